package import CHengAccelerator
internal import Essentials
internal import Synchronization

/// A way to reach a family of devices: a name, and where its function table comes from.
@safe package struct Backend: @unchecked Sendable {
    // Unchecked: the services never change.
    package let name: String
    /// What makes it this one in the process: its name, or the path of a plugin's library.
    package let key: String
    /// Returns the table for an interface version; nil where the backend does not serve it.
    ///
    /// The table must live as long as the process.
    package let getter: @Sendable (UInt32) -> UnsafePointer<heng_accelerator_table>?
    /// What `initialize` is given to use of ours; it lives as long as the process.
    let services: UnsafePointer<heng_host_services>?

    package init(
        name: String, key: String? = nil, services: UnsafePointer<heng_host_services>? = nil,
        getter: @escaping @Sendable (UInt32) -> UnsafePointer<heng_accelerator_table>?
    ) {
        self.name = name
        self.key = key ?? name
        unsafe self.services = unsafe services
        unsafe self.getter = unsafe getter
    }
}

/// Initializes backends once per process and hands out their devices.
package final class DeviceRegistry: Sendable {
    package static let shared = DeviceRegistry()

    private let opened = Mutex<[String: [Device]]>([:])

    private init() {}

    /// The backend's devices, in its own order; the first call initializes it.
    ///
    /// `checked` puts the checking layer around each; by default HENG_CHECK=1 says so.
    /// A backend that failed to initialize is asked again by the next call.
    package func devices(
        of backend: Backend, checked: Bool = CheckingLayer.isRequested
    ) throws(DeviceError) -> [Device] {
        let devices = try open(backend)
        guard checked else { return devices }
        return try devices.map { device throws(DeviceError) in try CheckingLayer.wrap(device) }
    }

    private func open(_ backend: Backend) throws(DeviceError) -> [Device] {
        let outcome = opened.withLock { opened -> Result<[Device], DeviceError> in
            if let devices = opened[backend.key] { return .success(devices) }
            do throws(DeviceError) {
                let devices = try DeviceRegistry.open(backend)
                opened[backend.key] = devices
                return .success(devices)
            } catch { return .failure(error) }
        }
        return try outcome.get()
    }

    private static func open(_ backend: Backend) throws(DeviceError) -> [Device] {
        guard let source = unsafe backend.getter(HENG_ACCELERATOR_MAJOR) else {
            throw DeviceError(
                .version, operation: "get",
                text:
                    "The backend \(backend.name) does not serve interface version \(HENG_ACCELERATOR_MAJOR).")
        }
        let table = try unsafe DeviceTable(copying: source)
        try unsafe initialize(table, backend.services)
        do throws(DeviceError) {
            return try (0..<count(table)).map { index throws(DeviceError) in try device(index, table) }
        } catch {
            // So that the next call meets the same failure, and not a backend that was started already.
            _ = unsafe table.functions.pointee.finalize?(nil)
            throw error
        }
    }

    private static func initialize(
        _ table: DeviceTable, _ services: UnsafePointer<heng_host_services>?
    ) throws(DeviceError) {
        var arguments = unsafe heng_initialize_arguments()
        unsafe arguments.header =
            StructCrossing.header(HENG_KIND_INITIALIZE_ARGUMENTS, of: heng_initialize_arguments.self)
        unsafe arguments.header.next = UnsafeRawPointer(services)
        unsafe arguments.abi_major = HENG_ACCELERATOR_MAJOR
        unsafe arguments.abi_minor = HENG_ACCELERATOR_MINOR
        try unsafe table.call(table.functions.pointee.initialize, "initialize") { unsafe $0(&arguments, $1) }
    }

    /// More than any machine has: a count above it is a mistake.
    private static let mostDevices: UInt32 = 4096

    private static func count(_ table: DeviceTable) throws(DeviceError) -> UInt32 {
        var count: UInt32 = 0
        try unsafe table.call(table.functions.pointee.device_count, "device_count") { unsafe $0(&count, $1) }
        guard count <= mostDevices else {
            throw DeviceError(
                .general, operation: "device_count",
                text: "The backend \(table.name) says that it has \(count) devices, which nobody believes.")
        }
        return count
    }

    private static func device(_ index: UInt32, _ table: DeviceTable) throws(DeviceError) -> Device {
        var handle: OpaquePointer?
        try unsafe table.call(table.functions.pointee.device_get, "device_get") {
            unsafe $0(index, &handle, $1)
        }
        return try unsafe Device(table: table, handle: made(handle, "device_get", table), index: Int(index))
    }
}
