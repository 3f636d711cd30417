package import AcceleratorAPI
internal import CHengAccelerator
internal import Essentials

#if canImport(Glibc)
internal import Glibc
#endif

/// The backend of simulated devices: those of the file that HENG_SIMDEV names, and those made in code.
package enum SimulatedDevices {
    /// The variable that names the file of the configuration.
    package static let variable = "HENG_SIMDEV"

    /// What the registry lists; without the variable there are no devices.
    package static let backend = unsafe Backend(name: "simdev") { major in
        major == HENG_ACCELERATOR_MAJOR ? unsafe UnsafePointer(table.functions) : nil
    }

    /// A device of its own, apart from the backend's list.
    package static func device(
        _ settings: SimulatedSettings = SimulatedSettings(), index: Int = 0
    ) throws(DeviceError) -> Device {
        let owner = DeviceOwner(SimulatedDevice(settings, number: index))
        guard let handle = unsafe owner.handle else {
            throw DeviceError(.general, operation: "device_get", text: "No handle could be made.")
        }
        return try unsafe Device(table: table, handle: handle, index: index, owner: owner)
    }

    private static let table = unsafe DeviceTable(owning: SimulatedTable.make())
    private static let life = DeviceLifecycle<Listed>("backend of simulated devices")

    @safe private struct Listed: @unchecked Sendable {
        // Unchecked: written once.
        let device: SimulatedDevice
        let handle: OpaquePointer?
    }
}

/// Keeps a device that was made in code, and takes it out of the handles at the end.
@safe private final class DeviceOwner: @unchecked Sendable {
    // Unchecked: written once.
    let handle: OpaquePointer?

    init(_ device: SimulatedDevice) { unsafe handle = Handles.add(device) }
    deinit { unsafe Handles.remove(handle) }
}

// Process and list.
extension SimulatedDevices {
    static func initialize(_ arguments: UnsafePointer<heng_initialize_arguments>?) throws(DeviceError) {
        try unsafe StructCrossing.checkHeader(arguments, HENG_KIND_INITIALIZE_ARGUMENTS, "initialize")
        try unsafe life.initialize(arguments) { arguments throws(DeviceError) in
            guard let path = unsafe arguments.configuration_path ?? UnsafePointer(getenv(variable)) else {
                return []
            }
            let settings = try SimulatedConfiguration(file: unsafe String(cString: path)).devices
            return settings.enumerated().map { number, settings in
                let device = SimulatedDevice(settings, number: number)
                return unsafe Listed(device: device, handle: Handles.add(device))
            }
        }
    }

    static func finalize() throws(DeviceError) {
        let devices = try life.finalize { devices in
            devices.reduce(0) { sum, listed in
                sum + listed.device.monitor.locked { listed.device.contexts.count }
            }
        }
        for listed in devices { unsafe Handles.remove(listed.handle) }
    }

    static func count(_ place: UnsafeMutablePointer<UInt32>?, _ error: ErrorPlace?) -> Int32 {
        unsafe life.count(place, error)
    }

    static func get(
        _ index: UInt32, _ place: UnsafeMutablePointer<OpaquePointer?>?, _ error: ErrorPlace?
    ) -> Int32 {
        unsafe life.get(index, place, error) { unsafe $0.handle }
    }
}
