package import AcceleratorAPI
internal import CPUBackend

/// The list of compiled-in backends: the only place that names them.
package enum Backends {
    /// In the order in which devices are listed.
    package static let all: [Backend] = [CPUDevices.backend]

    /// The devices of all backends; the first call wakes them up.
    ///
    /// `checked` puts the checking layer around each; by default HENG_CHECK=1 says so.
    package static func devices(checked: Bool = CheckingLayer.isRequested) throws(DeviceError) -> [Device] {
        var devices: [Device] = []
        for backend in all { devices += try DeviceRegistry.shared.devices(of: backend, checked: checked) }
        return devices
    }
}
