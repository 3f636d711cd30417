internal import AcceleratorAPI
internal import COpenCL
internal import Essentials

/// What OpenCL's own error codes mean in the classes of our interface: the only place that knows these numbers.
package enum OpenCLStatus {
    /// One code of OpenCL: its name there, and our class.
    package struct Meaning: Sendable {
        package let number: Int32
        package let name: String
        package let code: Int32

        init(_ number: Int32, _ name: String, _ code: DeviceError.Code) {
            self.number = number
            self.name = name
            self.code = code.rawValue
        }
    }

    /// All codes of OpenCL 1.2, in the order of their numbers.
    package static let meanings: [Meaning] = [
        Meaning(-1, "CL_DEVICE_NOT_FOUND", .invalidDevice),
        Meaning(-2, "CL_DEVICE_NOT_AVAILABLE", .deviceLost),
        Meaning(-3, "CL_COMPILER_NOT_AVAILABLE", .compiler),
        Meaning(-4, "CL_MEM_OBJECT_ALLOCATION_FAILURE", .outOfDeviceMemory),
        Meaning(-5, "CL_OUT_OF_RESOURCES", .outOfResources),
        Meaning(-6, "CL_OUT_OF_HOST_MEMORY", .outOfHostMemory),
        Meaning(-7, "CL_PROFILING_INFO_NOT_AVAILABLE", .eventTime),
        Meaning(-8, "CL_MEM_COPY_OVERLAP", .invalidArgument),
        Meaning(-9, "CL_IMAGE_FORMAT_MISMATCH", .format),
        Meaning(-10, "CL_IMAGE_FORMAT_NOT_SUPPORTED", .format),
        Meaning(-11, "CL_BUILD_PROGRAM_FAILURE", .operatorCompile),
        Meaning(-12, "CL_MAP_FAILURE", .memoryType),
        Meaning(-13, "CL_MISALIGNED_SUB_BUFFER_OFFSET", .alignment),
        Meaning(-14, "CL_EXEC_STATUS_ERROR_FOR_EVENTS_IN_WAIT_LIST", .execution),
        Meaning(-15, "CL_COMPILE_PROGRAM_FAILURE", .operatorCompile),
        Meaning(-16, "CL_LINKER_NOT_AVAILABLE", .compiler),
        Meaning(-17, "CL_LINK_PROGRAM_FAILURE", .operatorCompile),
        Meaning(-18, "CL_DEVICE_PARTITION_FAILED", .outOfResources),
        Meaning(-19, "CL_KERNEL_ARG_INFO_NOT_AVAILABLE", .unsupported),
        Meaning(-30, "CL_INVALID_VALUE", .invalidArgument),
        Meaning(-31, "CL_INVALID_DEVICE_TYPE", .invalidDevice),
        Meaning(-32, "CL_INVALID_PLATFORM", .invalidDevice),
        Meaning(-33, "CL_INVALID_DEVICE", .invalidDevice),
        Meaning(-34, "CL_INVALID_CONTEXT", .context),
        Meaning(-35, "CL_INVALID_QUEUE_PROPERTIES", .unsupported),
        Meaning(-36, "CL_INVALID_COMMAND_QUEUE", .invalidHandle),
        Meaning(-37, "CL_INVALID_HOST_PTR", .invalidArgument),
        Meaning(-38, "CL_INVALID_MEM_OBJECT", .invalidHandle),
        Meaning(-39, "CL_INVALID_IMAGE_FORMAT_DESCRIPTOR", .format),
        Meaning(-40, "CL_INVALID_IMAGE_SIZE", .outOfRange),
        Meaning(-41, "CL_INVALID_SAMPLER", .invalidHandle),
        Meaning(-42, "CL_INVALID_BINARY", .operatorLoad),
        Meaning(-43, "CL_INVALID_BUILD_OPTIONS", .invalidArgument),
        Meaning(-44, "CL_INVALID_PROGRAM", .invalidHandle),
        Meaning(-45, "CL_INVALID_PROGRAM_EXECUTABLE", .operatorLoad),
        Meaning(-46, "CL_INVALID_KERNEL_NAME", .invalidArgument),
        Meaning(-47, "CL_INVALID_KERNEL_DEFINITION", .operatorLoad),
        Meaning(-48, "CL_INVALID_KERNEL", .invalidHandle),
        Meaning(-49, "CL_INVALID_ARG_INDEX", .invalidArgument),
        Meaning(-50, "CL_INVALID_ARG_VALUE", .invalidArgument),
        Meaning(-51, "CL_INVALID_ARG_SIZE", .invalidArgument),
        Meaning(-52, "CL_INVALID_KERNEL_ARGS", .invalidArgument),
        Meaning(-53, "CL_INVALID_WORK_DIMENSION", .invalidArgument),
        Meaning(-54, "CL_INVALID_WORK_GROUP_SIZE", .outOfRange),
        Meaning(-55, "CL_INVALID_WORK_ITEM_SIZE", .outOfRange),
        Meaning(-56, "CL_INVALID_GLOBAL_OFFSET", .outOfRange),
        Meaning(-57, "CL_INVALID_EVENT_WAIT_LIST", .invalidHandle),
        Meaning(-58, "CL_INVALID_EVENT", .invalidHandle),
        Meaning(-59, "CL_INVALID_OPERATION", .unsupported),
        Meaning(-60, "CL_INVALID_GL_OBJECT", .invalidHandle),
        Meaning(-61, "CL_INVALID_BUFFER_SIZE", .outOfRange),
        Meaning(-62, "CL_INVALID_MIP_LEVEL", .invalidArgument),
        Meaning(-63, "CL_INVALID_GLOBAL_WORK_SIZE", .outOfRange),
        Meaning(-64, "CL_INVALID_PROPERTY", .unsupported),
        Meaning(-65, "CL_INVALID_IMAGE_DESCRIPTOR", .format),
        Meaning(-66, "CL_INVALID_COMPILER_OPTIONS", .invalidArgument),
        Meaning(-67, "CL_INVALID_LINKER_OPTIONS", .invalidArgument),
        Meaning(-68, "CL_INVALID_DEVICE_PARTITION_COUNT", .outOfRange),
        Meaning(-1001, "CL_PLATFORM_NOT_FOUND_KHR", .invalidDevice),
    ]

    /// The class of a code; one that is not known is a general error.
    package static func classNumber(of number: Int32) -> Int32 {
        meanings.first { $0.number == number }?.code ?? DeviceError.Code.general.rawValue
    }

    /// The error for a code that a call of OpenCL returned.
    static func error(
        _ number: Int32, _ operation: String, _ what: String, scope: DeviceError.Scope = .call,
        correlation: UInt64 = 0
    ) -> DeviceError {
        let name = meanings.first { $0.number == number }?.name ?? "an unknown code"
        let code = DeviceError.Code(rawValue: classNumber(of: number))
        return DeviceError(
            code, scope: code == .deviceLost ? .device : scope, operation: operation,
            text: "\(what): OpenCL answered \(name) (\(number)).", nativeCode: Int(number),
            isRetriable: code == .outOfDeviceMemory || code == .outOfResources || code == .outOfHostMemory,
            correlation: correlation)
    }

    /// Throws where the code is not 0.
    static func check(_ number: Int32, _ operation: String, _ what: String) throws(DeviceError) {
        if number != 0 { throw error(number, operation, what) }
    }
}

extension opencl_made {
    /// The handle, or the error.
    func get(_ operation: String, _ what: String) throws(DeviceError) -> UInt {
        guard status == 0, handle != 0 else { throw OpenCLStatus.error(status, operation, what) }
        return handle
    }
}
