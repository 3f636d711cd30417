// The CUDA backend behind the C table. Handles are retained references; create retains, destroy releases.

package import AcceleratorAPI
internal import CCUDA
internal import CHengAccelerator
internal import Essentials

/// The CUDA backend's entry: its table, and the devices it found.
///
/// Without NVIDIA's driver there are no devices, and that is no error.
package enum CUDADevices {
    /// What the registry lists.
    package static let backend = unsafe Backend(name: "cuda") { major in
        major == HENG_ACCELERATOR_MAJOR ? unsafe UnsafePointer(table.functions) : nil
    }

    private static let life = DeviceLifecycle<CUDADevice>("CUDA backend")
    private static let table = unsafe DeviceTable(owning: makeTable())

    private static func makeTable() -> heng_accelerator_table {
        var table = unsafe heng_accelerator_table.named("cuda")
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

    private static func addProcessFunctions(_ table: inout heng_accelerator_table) {
        unsafe table.initialize = { arguments, error in
            unsafe ErrorCrossing.export(to: error) { () throws(DeviceError) in
                try unsafe CUDADevices.life.initialize(arguments) { arguments throws(DeviceError) in
                    let path = unsafe arguments.configuration_path.map { unsafe String(cString: $0) }
                    return try CUDADevices.find(CUDADevices.settings(path))
                }
            }
        }
        unsafe table.finalize = { error in
            unsafe ErrorCrossing.export(to: error) { () throws(DeviceError) in
                let devices = try CUDADevices.life.finalize {
                    $0.reduce(0) { $0 + $1.living.counts.contexts }
                }
                devices.first?.libraries.close()
            }
        }
        unsafe table.device_count = { count, error in unsafe CUDADevices.life.count(count, error) }
        unsafe table.device_get = { index, result, error in
            unsafe CUDADevices.life.get(index, result, error)
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
