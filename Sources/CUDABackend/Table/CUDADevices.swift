// The CUDA backend behind the C table. Handles are retained references; create retains, destroy releases.

package import AcceleratorAPI
internal import CCUDA
internal import CHengAccelerator
internal import Essentials
internal import Synchronization

/// The CUDA backend's entry: its table, and the devices it found.
///
/// Without NVIDIA's driver there are no devices, and that is no error.
package enum CUDADevices {
    /// What the registry lists.
    package static let backend = unsafe Backend(name: "cuda") { major in
        major == HENG_ACCELERATOR_MAJOR ? unsafe UnsafePointer(table.functions) : nil
    }

    private static let state = Mutex(State.fresh)

    private enum State: Sendable {
        case fresh
        case initialized([CUDADevice])
        case finalized
    }

    private static let table = unsafe DeviceTable(owning: makeTable())

    private static func makeTable() -> heng_accelerator_table {
        var table = unsafe heng_accelerator_table()
        unsafe table.header = StructCrossing.header(HENG_KIND_TABLE, of: heng_accelerator_table.self)
        unsafe table.abi_major = HENG_ACCELERATOR_MAJOR
        unsafe table.abi_minor = HENG_ACCELERATOR_MINOR
        // Never freed: the table lives as long as the process.
        unsafe table.name = cString("cuda")
        unsafe table.error_describe = unsafe ErrorCrossing.describe
        unsafe table.error_destroy = unsafe ErrorCrossing.destroy
        unsafe addProcessFunctions(&table)
        unsafe addDeviceFunctions(&table)
        unsafe addContextFunctions(&table)
        unsafe addStreamFunctions(&table)
        unsafe addWorkFunctions(&table)
        unsafe addEventFunctions(&table)
        unsafe addBufferFunctions(&table)
        return unsafe table
    }
}

// MARK: - Process

extension CUDADevices {
    private static func initialize(_ arguments: UnsafePointer<heng_initialize_arguments>?) throws(DeviceError)
    {
        guard let arguments = unsafe StructCrossing.read(arguments, zero: heng_initialize_arguments()) else {
            throw invalid("initialize", "The arguments are null or shorter than a header.")
        }
        guard unsafe arguments.abi_major == HENG_ACCELERATOR_MAJOR else {
            throw DeviceError(
                .version, operation: "initialize",
                text: "The caller wants interface version \(unsafe arguments.abi_major); this is version "
                    + "\(HENG_ACCELERATOR_MAJOR).")
        }
        if let kind = unsafe StructCrossing.unknownMandatory(after: arguments.header) {
            throw DeviceError(
                .unsupported, operation: "initialize",
                text: "The CUDA backend does not know the mandatory extension \(kind).")
        }
        let path = unsafe arguments.configuration_path.map { unsafe String(cString: $0) }
        let settings = try CUDADevices.settings(path)
        let devices = try isInitialized ? [] : find(settings)
        let isFirst = state.withLock { state in
            if case .initialized = state { return false }
            state = .initialized(devices)
            return true
        }
        guard isFirst else {
            throw DeviceError(
                .repeatedInitialize, operation: "initialize", text: "The CUDA backend is initialized already."
            )
        }
    }

    private static var isInitialized: Bool {
        state.withLock { if case .initialized = $0 { true } else { false } }
    }

    private static func settings(_ path: String?) throws(DeviceError) -> CUDASettings {
        guard let path else { return .fromEnvironment }
        guard let bytes = readFile(path, limit: 64 << 10) else {
            throw DeviceError(
                .fileRead, operation: "initialize", text: "The configuration \(path) could not be read.")
        }
        guard let settings = CUDASettings.parse(String(decoding: bytes, as: UTF8.self)) else {
            throw DeviceError(
                .fileParse, operation: "initialize",
                text:
                    "The configuration \(path) has a line that is neither `libraries = ...` nor `cache = ...`."
            )
        }
        return settings
    }

    /// The devices of the driver; none where there is no driver or it finds none.
    private static func find(_ settings: CUDASettings) throws(DeviceError) -> [CUDADevice] {
        guard let libraries = CUDALibraries(settings) else { return [] }
        let driver = unsafe libraries.driver
        let started = unsafe driver.pointee.cuInit(0)
        // A driver library without its kernel module or without a GPU is a machine without devices.
        if started == HCU_NO_DEVICE || started == HCU_UNKNOWN || started == HCU_STUB_LIBRARY { return [] }
        guard started == 0 else { throw libraries.error(started, "initialize", "this machine") }
        var count: Int32 = 0
        let counted = unsafe driver.pointee.cuDeviceGetCount(&count)
        guard counted == 0 else { throw libraries.error(counted, "initialize", "this machine") }
        var devices: [CUDADevice] = []
        for index in 0..<max(0, count) {
            var ordinal: Int32 = 0
            let found = unsafe driver.pointee.cuDeviceGet(&ordinal, index)
            guard found == 0 else { throw libraries.error(found, "initialize", "device \(index)") }
            devices.append(try CUDADevice(libraries, ordinal: ordinal))
        }
        return devices
    }

    private static func finalize() throws(DeviceError) {
        let outcome = state.withLock { state -> Result<[CUDADevice], DeviceError> in
            switch state {
            case .fresh: return .failure(notInitialized("finalize"))
            case .finalized:
                return .failure(
                    DeviceError(
                        .repeatedFinalize, operation: "finalize",
                        text: "The CUDA backend is finalized already."))
            case .initialized(let devices):
                let living = devices.reduce(0) { $0 + $1.living.withLock { $0.contexts } }
                guard living == 0 else {
                    return .failure(
                        DeviceError(
                            .notReleased, operation: "finalize",
                            text: "\(living) contexts of the CUDA backend still live."))
                }
                state = .finalized
                return .success(devices)
            }
        }
        try outcome.get().first?.libraries.close()
    }

    private static func notInitialized(_ operation: String) -> DeviceError {
        DeviceError(.notInitialized, operation: operation, text: "The CUDA backend is not initialized.")
    }

    private static func devices(_ operation: String) throws(DeviceError) -> [CUDADevice] {
        let devices = state.withLock { state -> [CUDADevice]? in
            if case .initialized(let devices) = state { devices } else { nil }
        }
        guard let devices else { throw notInitialized(operation) }
        return devices
    }

    private static func addProcessFunctions(_ table: inout heng_accelerator_table) {
        unsafe table.initialize = { arguments, error in
            unsafe ErrorCrossing.export(to: error) { () throws(DeviceError) in
                try unsafe CUDADevices.initialize(arguments)
            }
        }
        unsafe table.finalize = { error in
            unsafe ErrorCrossing.export(to: error) { () throws(DeviceError) in try CUDADevices.finalize() }
        }
        unsafe table.device_count = { count, error in
            unsafe ErrorCrossing.export(to: error) { () throws(DeviceError) in
                let devices = try CUDADevices.devices("device_count")
                try unsafe place(count, "device_count").pointee = UInt32(devices.count)
            }
        }
        unsafe table.device_get = { index, result, error in
            unsafe ErrorCrossing.export(to: error) { () throws(DeviceError) in
                let devices = try CUDADevices.devices("device_get")
                guard index < devices.count else {
                    throw DeviceError(
                        .invalidDeviceIndex, operation: "device_get",
                        text: "There is no device \(index): the CUDA backend has \(devices.count).")
                }
                // Not retained for the caller: the backend owns its devices.
                try unsafe place(result, "device_get").pointee =
                    OpaquePointer(Unmanaged.passUnretained(devices[Int(index)]).toOpaque())
            }
        }
        unsafe table.group = { kind, result, error in
            unsafe ErrorCrossing.export(to: error) { () throws(DeviceError) in
                let target = try unsafe place(result, "group")
                switch Int(kind) {
                case HENG_KIND_KERNEL_TABLE: unsafe target.pointee = unsafe CUDAKernelGroup.header
                case HENG_KIND_RECORDING_TABLE: unsafe target.pointee = unsafe CUDARecordingGroup.header
                case HENG_KIND_PROFILE_TABLE: unsafe target.pointee = unsafe CUDAProfileGroup.header
                case HENG_KIND_OPERATOR_TABLE: unsafe target.pointee = unsafe CUDAOperatorGroup.header
                default:
                    throw DeviceError(
                        .unsupported, operation: "group", text: "The CUDA backend has no group \(kind).")
                }
            }
        }
    }
}

/// Fills a caller's struct, or says that its size is not set.
func deliver<Value>(
    _ value: Value, to place: UnsafeMutablePointer<Value>, _ operation: StaticString
) throws(DeviceError) {
    guard unsafe StructCrossing.fill(place, with: value) else {
        throw DeviceError(
            .version, operation: "\(operation)", text: "The struct_size given to \(operation) is not set.")
    }
}
