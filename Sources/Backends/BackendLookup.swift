package import AcceleratorAPI
internal import PluginBackend

extension Backends {
    /// A backend and where it comes from.
    package struct Origin: Sendable {
        package var backend: Backend
        /// The file of a plugin's library; nil for what is compiled in.
        package var library: String?
    }

    /// The backend of that name; plugins are loaded only when none that is compiled in has it.
    package static func origin(named name: String) -> Origin? {
        compiledIn.first { $0.backend.name == name } ?? ofPlugins.first { $0.backend.name == name }
    }

    /// The backend that a device belongs to, and the device's place in it.
    package static func origin(of device: Device) -> (origin: Origin, index: Int)? {
        for origins in [{ compiledIn }, { ofPlugins }] {
            for origin in origins() {
                // A backend that does not start has no device that could be meant.
                let devices = (try? DeviceRegistry.shared.devices(of: origin.backend, checked: false)) ?? []
                if let index = devices.firstIndex(where: { unsafe $0.handle == device.handle }) {
                    return (origin, index)
                }
            }
        }
        return nil
    }

    private static var compiledIn: [Origin] { all.map { Origin(backend: $0) } }

    private static var ofPlugins: [Origin] {
        plugins.plugins.map { Origin(backend: $0.backend, library: $0.library) }
    }
}
