package import AcceleratorAPI
internal import CPUBackend

/// The list of compiled-in backends: the only place that names them.
package enum Backends {
    /// In the order in which devices are listed.
    package static let all: [Backend] = [CPUDevices.backend]

    /// The devices of all backends; the first call wakes them up.
    package static func devices() throws(DeviceError) -> [Device] {
        var devices: [Device] = []
        for backend in all { devices += try DeviceRegistry.shared.devices(of: backend) }
        return devices
    }
}
