internal import AcceleratorAPI
internal import CCUDA
internal import Essentials

/// What a number of the driver means to us.
struct DriverErrorClass {
    var code: DeviceError.Code
    var scope: DeviceError.Scope = .call
    var isRetriable = false

    /// Whether the driver gives this answer to every later call, so that nothing in the context runs any more.
    var isSticky: Bool { scope == .context || scope == .device }

    /// The class of a result; one that is not known is general, and keeps its number.
    init(_ result: Int32) {
        switch Int(result) {
        case HCU_INVALID_VALUE: code = .invalidArgument
        case HCU_OUT_OF_MEMORY: (code, isRetriable) = (.outOfDeviceMemory, true)
        case HCU_NOT_INITIALIZED, HCU_DEINITIALIZED: code = .notInitialized
        case HCU_NO_DEVICE, HCU_INVALID_DEVICE: code = .invalidDevice
        case HCU_DEVICE_UNAVAILABLE: (code, isRetriable) = (.invalidDevice, true)
        case HCU_DEVICE_NOT_LICENSED: code = .permission
        case HCU_INVALID_IMAGE, HCU_INVALID_SOURCE: code = .fileParse
        case HCU_INVALID_PTX, HCU_UNSUPPORTED_PTX_VERSION: code = .operatorCompile
        case HCU_JIT_COMPILER_NOT_FOUND, HCU_SHARED_OBJECT_SYMBOL_NOT_FOUND, HCU_SHARED_OBJECT_INIT_FAILED:
            code = .compiler
        case HCU_FILE_NOT_FOUND: code = .file
        case HCU_INVALID_CONTEXT, HCU_CONTEXT_IS_DESTROYED: code = .context
        case HCU_NO_BINARY_FOR_GPU, HCU_UNSUPPORTED_LIMIT, HCU_PEER_ACCESS_UNSUPPORTED, HCU_NOT_SUPPORTED:
            code = .unsupported
        case HCU_INVALID_HANDLE: code = .invalidHandle
        case HCU_ILLEGAL_STATE, HCU_PRIMARY_CONTEXT_ACTIVE, HCU_NOT_PERMITTED: code = .misuse
        case HCU_STREAM_CAPTURE_UNSUPPORTED...HCU_STREAM_CAPTURE_WRONG_THREAD: code = .misuse
        case HCU_NOT_FOUND: code = .invalidArgument
        case HCU_NOT_READY, HCU_TIMEOUT: (code, isRetriable) = (.timeout, true)
        case HCU_LAUNCH_OUT_OF_RESOURCES, HCU_COOPERATIVE_LAUNCH_TOO_LARGE: code = .outOfResources
        case HCU_STUB_LIBRARY, HCU_SYSTEM_DRIVER_MISMATCH, HCU_COMPAT_NOT_SUPPORTED_ON_DEVICE: code = .version
        case HCU_ECC_UNCORRECTABLE: (code, scope) = (.dataCorrupted, .context)
        case HCU_ILLEGAL_ADDRESS, HCU_LAUNCH_TIMEOUT, HCU_ASSERT, HCU_HARDWARE_STACK_ERROR,
            HCU_ILLEGAL_INSTRUCTION, HCU_MISALIGNED_ADDRESS, HCU_INVALID_ADDRESS_SPACE, HCU_INVALID_PC,
            HCU_LAUNCH_FAILED:
            (code, scope) = (.execution, .context)
        case HCU_NVLINK_UNCORRECTABLE, HCU_EXTERNAL_DEVICE: (code, scope) = (.deviceLost, .device)
        default: code = .general
        }
    }
}

extension CUDALibraries {
    /// The driver's own words for a result, as "CUDA_ERROR_ILLEGAL_ADDRESS (an illegal memory access was encountered)".
    func words(for result: Int32) -> String {
        var (name, text): (UnsafePointer<CChar>?, UnsafePointer<CChar>?) = (nil, nil)
        let isNamed = unsafe driver.pointee.cuGetErrorName(result, &name) == 0
        let isDescribed = unsafe driver.pointee.cuGetErrorString(result, &text) == 0
        let first = unsafe isNamed ? name.map { unsafe String(cString: $0) } : nil
        let second = unsafe isDescribed ? text.map { unsafe String(cString: $0) } : nil
        guard let first else { return "the driver's error \(result)" }
        return second.map { "\(first) (\($0))" } ?? first
    }

    /// The error for a result of a call.
    func error(
        _ result: Int32, _ operation: String, _ subject: String, correlation: UInt64 = 0
    ) -> DeviceError {
        let kind = DriverErrorClass(result)
        return DeviceError(
            kind.code, scope: kind.scope, operation: operation,
            text: "\(operation) on \(subject) failed: \(words(for: result)).", nativeCode: Int(result),
            isRetriable: kind.isRetriable, correlation: correlation)
    }
}
