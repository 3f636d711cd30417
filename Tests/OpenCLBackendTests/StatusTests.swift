import AcceleratorAPI
import OpenCLBackend
import Testing

@Suite struct OpenCLStatusTests {
    @Test func `Each code of OpenCL has one class, and the classes are the ones of the table`() {
        let expected: [Int32: DeviceError.Code] = [
            -1: .invalidDevice, -2: .deviceLost, -3: .compiler, -4: .outOfDeviceMemory, -5: .outOfResources,
            -6: .outOfHostMemory, -7: .eventTime, -8: .invalidArgument, -9: .format, -10: .format,
            -11: .operatorCompile, -12: .memoryType, -13: .alignment, -14: .execution, -15: .operatorCompile,
            -16: .compiler, -17: .operatorCompile, -18: .outOfResources, -19: .unsupported,
            -30: .invalidArgument, -31: .invalidDevice, -32: .invalidDevice, -33: .invalidDevice,
            -34: .context, -35: .unsupported, -36: .invalidHandle, -37: .invalidArgument, -38: .invalidHandle,
            -39: .format, -40: .outOfRange, -41: .invalidHandle, -42: .operatorLoad, -43: .invalidArgument,
            -44: .invalidHandle, -45: .operatorLoad, -46: .invalidArgument, -47: .operatorLoad,
            -48: .invalidHandle, -49: .invalidArgument, -50: .invalidArgument, -51: .invalidArgument,
            -52: .invalidArgument, -53: .invalidArgument, -54: .outOfRange, -55: .outOfRange,
            -56: .outOfRange, -57: .invalidHandle, -58: .invalidHandle, -59: .unsupported,
            -60: .invalidHandle, -61: .outOfRange, -62: .invalidArgument, -63: .outOfRange,
            -64: .unsupported, -65: .format, -66: .invalidArgument, -67: .invalidArgument, -68: .outOfRange,
            -1001: .invalidDevice,
        ]
        #expect(OpenCLStatus.meanings.count == expected.count)
        for (number, code) in expected { #expect(OpenCLStatus.classNumber(of: number) == code.rawValue) }
    }

    @Test(arguments: [-20, -69, -9999, 1] as [Int32])
    func `A code that is not known is a general error`(_ number: Int32) {
        #expect(OpenCLStatus.classNumber(of: number) == DeviceError.Code.general.rawValue)
    }

    @Test func `Names and numbers of codes are there once`() {
        #expect(Set(OpenCLStatus.meanings.map(\.name)).count == OpenCLStatus.meanings.count)
        #expect(Set(OpenCLStatus.meanings.map(\.number)).count == OpenCLStatus.meanings.count)
    }
}
