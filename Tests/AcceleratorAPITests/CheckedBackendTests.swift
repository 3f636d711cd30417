import AcceleratorAPI
import CHengAccelerator
import Essentials
import Testing

@Suite("A whole backend behind the checking layer")
struct CheckedBackendTests {
    @Test func `its process functions are the backend's, and its devices are checked`() throws {
        // Others of this process use the null backend, so it is initialized already.
        _ = try nullDevice()
        let backend = CheckingLayer.wrap(NullDevice.backend)
        let table = unsafe try #require(backend.getter(HENG_ACCELERATOR_MAJOR)).pointee
        var arguments = unsafe heng_initialize_arguments()
        unsafe arguments.header = unsafe StructCrossing.header(
            HENG_KIND_INITIALIZE_ARGUMENTS, of: heng_initialize_arguments.self)
        unsafe arguments.abi_major = HENG_ACCELERATOR_MAJOR
        var count: UInt32 = 0
        var (first, second, context): (OpaquePointer?, OpaquePointer?, OpaquePointer?) = (nil, nil, nil)
        var group: UnsafePointer<heng_header>?

        #expect(unsafe String(cString: table.name) == "null")
        #expect(unsafe table.initialize(&arguments, nil) == codeOf(HENG_ERROR_REPEATED_INITIALIZE))
        #expect(unsafe table.device_count(&count, nil) == 0 && count == 1)
        #expect(unsafe table.device_get(0, &first, nil) == 0)
        #expect(unsafe table.device_get(0, &second, nil) == 0)
        #expect(unsafe first == second)
        #expect(unsafe table.device_get(1, &second, nil) == codeOf(HENG_ERROR_INVALID_DEVICE_INDEX))
        #expect(unsafe table.device_get(0, nil, nil) == codeOf(HENG_ERROR_INVALID_ARGUMENT))
        #expect(
            unsafe table.group(UInt32(HENG_KIND_KERNEL_TABLE), &group, nil)
                == codeOf(HENG_ERROR_UNSUPPORTED))
        #expect(unsafe table.context_create(first, &context, nil) == 0)
        #expect(unsafe table.stream_destroy(context, nil) == codeOf(HENG_ERROR_INVALID_HANDLE))
        #expect(unsafe table.finalize(nil) == codeOf(HENG_ERROR_NOT_RELEASED))
        #expect(unsafe table.context_destroy(context, nil) == 0)
    }

    @Test func `another version and a second backend get no table`() {
        let backend = CheckingLayer.wrap(NullDevice.backend)
        let other = CheckingLayer.wrap(
            unsafe Backend(name: "other") { unsafe NullDevice.backend.getter($0) })

        #expect(unsafe backend.getter(HENG_ACCELERATOR_MAJOR + 1) == nil)
        #expect(unsafe backend.getter(HENG_ACCELERATOR_MAJOR) != nil)
        #expect(unsafe other.getter(HENG_ACCELERATOR_MAJOR) == nil)
    }

    @Test func `a backend that is finalized can be initialized again, and in no other order`() throws {
        let life = DeviceLifecycle<Int>("test backend")
        var arguments = unsafe heng_initialize_arguments()
        unsafe arguments.header = unsafe StructCrossing.header(
            HENG_KIND_INITIALIZE_ARGUMENTS, of: heng_initialize_arguments.self)
        unsafe arguments.abi_major = HENG_ACCELERATOR_MAJOR
        func begin(_ entries: [Int]) throws(DeviceError) {
            try unsafe life.initialize(&arguments) { _ in entries }
        }
        func code(_ body: () throws(DeviceError) -> Void) -> DeviceError.Code? {
            do throws(DeviceError) {
                try body()
                return nil
            } catch { return error.code }
        }

        #expect(code { () throws(DeviceError) in try life.finalize { _ in 0 } } == .notInitialized)
        #expect(code { () throws(DeviceError) in _ = try life.entries("device_get") } == .notInitialized)
        let failed = code { () throws(DeviceError) in
            try unsafe life.initialize(&arguments) { _ throws(DeviceError) in
                throw invalid("initialize", "There is nothing.")
            }
        }
        #expect(failed == .invalidArgument)
        for round in 1...3 {
            #expect(code { () throws(DeviceError) in try begin([round]) } == nil)
            #expect(code { () throws(DeviceError) in try begin([0]) } == .repeatedInitialize)
            #expect(try life.entries("device_get") == [round])
            #expect(code { () throws(DeviceError) in try life.finalize { $0[0] } } == .notReleased)
            #expect(try life.finalize { _ in 0 } == [round])
            #expect(code { () throws(DeviceError) in try life.finalize { _ in 0 } } == .repeatedFinalize)
            #expect(code { () throws(DeviceError) in _ = try life.entries("device_get") } == .notInitialized)
        }
        unsafe arguments.abi_major += 1
        #expect(code { () throws(DeviceError) in try begin([]) } == .version)
    }

    @Test func `a share has its base's groups, but models only without a quota`() throws {
        let base = try GroupedNull().bare
        let free = try VirtualDevice.make(of: base)
        let limited = try VirtualDevice.make(of: base, memory: .bytes(1_000))

        for kind in [
            HENG_KIND_KERNEL_TABLE, HENG_KIND_RECORDING_TABLE, HENG_KIND_PROFILE_TABLE,
            HENG_KIND_CALLBACK_TABLE, HENG_KIND_COLLECTIVE_TABLE,
        ] {
            #expect(unsafe free.table.group(kind) != nil && limited.table.group(kind) != nil)
        }
        #expect(unsafe free.table.group(HENG_KIND_MODEL_TABLE) != nil)
        #expect(unsafe limited.table.group(HENG_KIND_MODEL_TABLE) == nil)
        #expect(unsafe free.table.group(HENG_KIND_GRAPH_TABLE) == nil)
        let kernels = unsafe try #require(free.table.group(HENG_KIND_KERNEL_TABLE))
        let table = unsafe UnsafeRawPointer(kernels).assumingMemoryBound(to: heng_kernel_table.self).pointee
        var supported: UInt8 = 0
        #expect(unsafe table.code_supported(free.handle, 0, &supported, nil) == 0 && supported == 1)
    }
}
