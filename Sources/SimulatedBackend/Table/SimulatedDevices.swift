package import AcceleratorAPI
internal import CHengAccelerator
internal import Essentials
internal import Synchronization

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
    private static let state = Mutex(State.fresh)

    private enum State {
        case fresh
        case initialized([Listed])
        case finalized
    }

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
        let arguments = try unsafe Arguments.read(
            arguments, HENG_KIND_INITIALIZE_ARGUMENTS, heng_initialize_arguments(), "initialize",
            known: [UInt32(HENG_KIND_HOST_SERVICES)])
        guard unsafe arguments.abi_major == HENG_ACCELERATOR_MAJOR else {
            throw DeviceError(
                .version, operation: "initialize",
                text: "The caller wants interface version \(unsafe arguments.abi_major); this is version "
                    + "\(HENG_ACCELERATOR_MAJOR).")
        }
        if isInitialized { throw repeated() }
        let path = unsafe arguments.configuration_path ?? UnsafePointer(getenv(variable))
        var settings: [SimulatedSettings] = []
        if let path = unsafe path {
            settings = try SimulatedConfiguration(file: unsafe String(cString: path)).devices
        }
        let devices = settings.enumerated().map { number, settings in
            let device = SimulatedDevice(settings, number: number)
            return unsafe Listed(device: device, handle: Handles.add(device))
        }
        let isFirst = state.withLock { state in
            if case .initialized = state { return false }
            state = .initialized(devices)
            return true
        }
        if !isFirst {
            for listed in devices { unsafe Handles.remove(listed.handle) }
            throw repeated()
        }
    }

    private static var isInitialized: Bool {
        state.withLock { state in if case .initialized = state { true } else { false } }
    }

    private static func repeated() -> DeviceError {
        DeviceError(
            .repeatedInitialize, operation: "initialize",
            text: "The backend of simulated devices is initialized already.")
    }

    static func finalize() throws(DeviceError) {
        let devices = try listed("finalize")
        let living = devices.reduce(0) { sum, listed in
            sum + listed.device.monitor.locked { listed.device.contexts.count }
        }
        guard living == 0 else {
            throw DeviceError(
                .notReleased, operation: "finalize",
                text: "\(living) contexts of simulated devices still live.")
        }
        state.withLock { $0 = .finalized }
        for listed in devices { unsafe Handles.remove(listed.handle) }
    }

    private static func listed(_ operation: String) throws(DeviceError) -> [Listed] {
        switch state.withLock({ $0 }) {
        case .initialized(let devices): return devices
        case .finalized where operation == "finalize":
            throw DeviceError(
                .repeatedFinalize, operation: operation,
                text: "The backend of simulated devices is finalized already.")
        case .fresh, .finalized:
            throw DeviceError(
                .notInitialized, operation: operation,
                text: "The backend of simulated devices is not initialized.")
        }
    }

    static func count() throws(DeviceError) -> Int { try listed("device_count").count }

    static func handle(_ index: UInt32) throws(DeviceError) -> OpaquePointer? {
        let devices = try listed("device_get")
        guard index < devices.count else {
            throw DeviceError(
                .invalidDeviceIndex, operation: "device_get",
                text: "There is no device \(index): there are \(devices.count) simulated ones.")
        }
        return unsafe devices[Int(index)].handle
    }
}
