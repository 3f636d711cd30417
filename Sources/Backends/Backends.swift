package import AcceleratorAPI
internal import CPUBackend
internal import CUDABackend
internal import Essentials
internal import OpenCLBackend
package import PluginBackend
internal import SimulatedBackend

/// The list of backends, compiled in and of plugins: the only place that names them.
package enum Backends {
    /// Those compiled in, in the order in which devices are listed.
    ///
    /// The simulated devices are those of the file that HENG_SIMDEV names; without it there are none.
    package static let all: [Backend] = [
        CPUDevices.backend, CUDADevices.backend, OpenCLDevices.backend, SimulatedDevices.backend,
    ]

    /// What vendors' plugins bring, and why some cannot be used; the first call loads them.
    package static let plugins = Plugins.load()

    /// The devices that can be used, and what stands in the way of others.
    package struct Inventory: Sendable {
        package var devices: [Device] = []
        package var warnings: [DeviceWarning] = []

        package init() {}
    }

    /// The devices of all backends, those of plugins last; the first call wakes them up.
    ///
    /// A plugin that fails is a warning and stops no other. `checked` puts the checking layer around each device; by
    /// default HENG_CHECK=1 says so.
    package static func inventory(
        checked: Bool = CheckingLayer.isRequested
    ) throws(DeviceError) -> Inventory {
        var inventory = Inventory()
        _ = try firstDevice(checked: checked, noting: &inventory) { _ in false }
        return inventory
    }

    /// The first device that is accepted; plugins are loaded only when no compiled-in backend has one.
    ///
    /// Why plugins could not be used is added to `inventory`, as are the devices that were looked at.
    package static func firstDevice(
        checked: Bool = CheckingLayer.isRequested, noting inventory: inout Inventory,
        where accepts: (Device) -> Bool
    ) throws(DeviceError) -> Device? {
        var numbering = DeviceNumbering()
        for backend in all {
            let devices = try DeviceRegistry.shared.devices(of: backend, checked: checked)
            inventory.devices += numbered(devices, &numbering)
            if let device = inventory.devices.first(where: accepts) { return device }
        }
        inventory.warnings += plugins.problems.map { DeviceWarning(plugin: $0.plugin, error: $0) }
        for plugin in plugins.plugins {
            do throws(PluginError) {
                inventory.devices += numbered(try plugin.devices(checked: checked), &numbering)
            } catch {
                inventory.warnings.append(DeviceWarning(plugin: plugin.path, error: error))
            }
            if let device = inventory.devices.first(where: accepts) { return device }
        }
        return nil
    }

    /// The devices of all backends that can be used; see `inventory`.
    package static func devices(checked: Bool = CheckingLayer.isRequested) throws(DeviceError) -> [Device] {
        try inventory(checked: checked).devices
    }

    /// The first device of all, without a look at plugins where a compiled-in backend has one.
    package static func firstDevice() throws(DeviceError) -> Device? {
        var inventory = Inventory()
        return try firstDevice(noting: &inventory) { _ in true }
    }

    private static func numbered(_ devices: [Device], _ numbering: inout DeviceNumbering) -> [Device] {
        devices.map { $0.numbered(numbering.next(of: $0.id.kind)) }
    }
}
