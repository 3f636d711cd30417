import AcceleratorAPI
import CHengAccelerator
import Essentials
import Testing

private let invalidHandle = codeOf(HENG_ERROR_INVALID_HANDLE)
private let invalidArgument = codeOf(HENG_ERROR_INVALID_ARGUMENT)
private let wrongOwner = codeOf(HENG_ERROR_WRONG_OWNER)
private let misuse = codeOf(HENG_ERROR_MISUSE)

@Suite("Groups behind the checking layer", .serialized)
@safe struct CheckedGroupTests {
    let maker: GroupedNull
    let raw: RawTable
    let context: OpaquePointer?
    let stream: OpaquePointer?
    let buffer: OpaquePointer?

    init() throws {
        maker = try GroupedNull()
        raw = maker.raw
        unsafe context = unsafe raw.makeContext().made
        unsafe stream = unsafe raw.makeStream(context).made
        unsafe buffer = unsafe raw.makeBuffer(context, 64).made
    }

    @Test func `a device keeps all groups but those whose functions name no device`() {
        let table = maker.layer.table
        for kind in [
            HENG_KIND_KERNEL_TABLE, HENG_KIND_RECORDING_TABLE, HENG_KIND_PROFILE_TABLE, HENG_KIND_MODEL_TABLE,
            HENG_KIND_CALLBACK_TABLE, HENG_KIND_COLLECTIVE_TABLE,
        ] {
            #expect(unsafe table.group(kind) != nil)
        }
        #expect(unsafe table.group(HENG_KIND_GRAPH_TABLE) == nil)
        #expect(unsafe table.group(HENG_KIND_SELECTION_TABLE) == nil)
        // The maker has none, so the layer announces none.
        #expect(unsafe table.group(HENG_KIND_MEDIA_TABLE) == nil)
        #expect(unsafe table.group(HENG_KIND_OPERATOR_TABLE) == nil)
    }

    @Test func `who copies the layer's table finds its groups too`() throws {
        let copy = try unsafe DeviceTable(copying: maker.layer.table.functions)

        #expect(unsafe copy.group(HENG_KIND_KERNEL_TABLE) == maker.layer.table.group(HENG_KIND_KERNEL_TABLE))
    }

    @Test func `what is no device is refused in the class for devices`() throws {
        let table = unsafe try maker.group(HENG_KIND_KERNEL_TABLE, heng_kernel_table())
        var supported: UInt8 = 0

        let invented = unsafe OpaquePointer(bitPattern: 0x10)
        let codes = unsafe [
            table.code_supported(nil, 0, &supported, nil), table.code_supported(invented, 0, &supported, nil),
            table.code_supported(context, 0, &supported, nil),
        ]
        #expect(codes.allSatisfy { $0 == codeOf(HENG_ERROR_INVALID_DEVICE) })
        #expect(unsafe table.code_supported(raw.device, 0, &supported, nil) == 0)
    }

    // MARK: Kernels

    private func load(_ table: heng_kernel_table, in context: OpaquePointer?) -> RawTable.Outcome {
        var byte: UInt8 = 1
        return unsafe withUnsafePointer(to: &byte) { byte in
            var arguments = unsafe heng_module_arguments()
            unsafe arguments.header = unsafe StructCrossing.header(
                HENG_KIND_MODULE_ARGUMENTS, of: heng_module_arguments.self)
            unsafe arguments.bytes = UnsafeRawPointer(byte)
            unsafe arguments.size = 1
            return unsafe raw.call { unsafe table.module_load(context, &arguments, &$0, $1) }
        }
    }

    private func launch(
        _ table: heng_kernel_table, _ kernel: OpaquePointer?, _ stream: OpaquePointer?,
        _ arguments: [heng_kernel_argument], groups: UInt32 = 1
    ) -> Int32 {
        var grid = unsafe heng_grid()
        unsafe grid.header = unsafe StructCrossing.header(HENG_KIND_GRID, of: heng_grid.self)
        unsafe grid.groups = (groups, 1, 1)
        unsafe grid.items = (1, 1, 1)
        return unsafe table.kernel_launch(
            kernel, stream, &grid, arguments, UInt32(unsafe arguments.count), 0, nil)
    }

    private func argument(_ buffer: OpaquePointer?, _ offset: UInt64 = 0, _ size: UInt64 = 64)
        -> heng_kernel_argument
    {
        unsafe heng_kernel_argument(
            range: heng_range(buffer: buffer, host: nil, offset: offset, size: size), bytes: nil, size: 0)
    }

    @Test func `modules and kernels of a wrong kind, ended or foreign are refused`() throws {
        let table = unsafe try maker.group(HENG_KIND_KERNEL_TABLE, heng_kernel_table())
        let module = unsafe load(table, in: context).made
        let kernel = unsafe raw.call { unsafe table.kernel_get(module, "add", &$0, $1) }.made
        let again = unsafe raw.call { unsafe table.kernel_get(module, "add", &$0, $1) }.made

        #expect(unsafe kernel == again)
        #expect(unsafe load(table, in: stream).code == invalidHandle)
        #expect(unsafe launch(table, module, stream, []) == invalidHandle)
        #expect(unsafe launch(table, kernel, context, []) == invalidHandle)
        #expect(unsafe launch(table, OpaquePointer(bitPattern: 0x4000), stream, []) == invalidHandle)
        #expect(unsafe table.module_unload(kernel, nil) == invalidHandle)
        #expect(unsafe raw.functions.context_destroy(context, nil) == codeOf(HENG_ERROR_NOT_RELEASED))
        #expect(unsafe launch(table, kernel, stream, []) == 0)
        #expect(unsafe table.module_unload(module, nil) == 0)
        // A kernel ends with its module.
        #expect(unsafe launch(table, kernel, stream, []) == invalidHandle)
        #expect(unsafe table.module_unload(module, nil) == invalidHandle)
    }

    @Test func `a launch is refused with a bad grid, a bad range or another device's objects`() throws {
        let table = unsafe try maker.group(HENG_KIND_KERNEL_TABLE, heng_kernel_table())
        let module = unsafe load(table, in: context).made
        let kernel = unsafe raw.call { unsafe table.kernel_get(module, "add", &$0, $1) }.made
        let other = try GroupedNull()
        let foreign = unsafe other.raw.makeContext().made
        let (lane, memory) = unsafe (
            other.raw.makeStream(foreign).made, other.raw.makeBuffer(foreign, 64).made
        )
        var byte: UInt8 = 0

        #expect(unsafe launch(table, kernel, stream, [], groups: 0) == invalidArgument)
        #expect(unsafe table.kernel_launch(kernel, stream, nil, nil, 0, 0, nil) == invalidArgument)
        #expect(
            unsafe launch(table, kernel, stream, [argument(buffer, 1)]) == codeOf(HENG_ERROR_OUT_OF_RANGE))
        #expect(unsafe launch(table, kernel, stream, [argument(memory)]) == wrongOwner)
        #expect(unsafe launch(table, kernel, lane, []) == wrongOwner)
        unsafe withUnsafeMutablePointer(to: &byte) { byte in
            let host = unsafe heng_kernel_argument(
                range: heng_range(buffer: nil, host: byte, offset: 0, size: 1), bytes: nil, size: 0)
            let empty = unsafe heng_kernel_argument(range: heng_range(), bytes: byte, size: 0)
            let value = unsafe heng_kernel_argument(range: heng_range(), bytes: byte, size: 1)
            #expect(unsafe launch(table, kernel, stream, [host]) == codeOf(HENG_ERROR_MEMORY_TYPE))
            #expect(unsafe launch(table, kernel, stream, [empty]) == invalidArgument)
            #expect(unsafe launch(table, kernel, stream, [argument(buffer), value]) == 0)
        }
        // The launch counts as a use of the buffer, until the caller has waited.
        #expect(unsafe raw.functions.buffer_free(buffer, nil) == misuse)
        #expect(unsafe raw.functions.stream_synchronize(stream, -1, nil) == 0)
        #expect(unsafe raw.functions.buffer_free(buffer, nil) == 0)
        #expect(unsafe launch(table, kernel, stream, [argument(buffer)]) == invalidHandle)
    }

    // MARK: Recordings

    private func fill(_ stream: OpaquePointer?, _ buffer: OpaquePointer?) -> Int32 {
        var range = unsafe heng_range(buffer: buffer, host: nil, offset: 0, size: 64)
        return unsafe raw.functions.stream_fill(stream, &range, 1, 64, 0, nil)
    }

    @Test func `a recording begins, ends and is waited for in order`() throws {
        let table = unsafe try maker.group(HENG_KIND_RECORDING_TABLE, heng_recording_table())
        let event = unsafe raw.makeEvent(context).made
        #expect(unsafe raw.functions.event_record(event, stream, 0, nil) == 0)
        var memory = unsafe heng_buffer_arguments()
        unsafe memory.header = unsafe StructCrossing.header(
            HENG_KIND_BUFFER_ARGUMENTS, of: heng_buffer_arguments.self)
        unsafe memory.size = 8

        #expect(unsafe raw.call { unsafe table.recording_end(stream, &$0, $1) }.code == misuse)
        #expect(unsafe table.recording_begin(context, nil) == invalidHandle)
        #expect(unsafe table.recording_begin(stream, nil) == 0)
        #expect(unsafe table.recording_begin(stream, nil) == misuse)
        #expect(unsafe raw.functions.stream_synchronize(stream, -1, nil) == misuse)
        #expect(unsafe raw.functions.stream_wait_event(stream, event, 0, nil) == misuse)
        let allocated = unsafe raw.call {
            unsafe raw.functions.stream_allocate(stream, &memory, &$0, $1)
        }
        #expect(allocated.code == misuse)
        #expect(unsafe table.recording_end(stream, nil, nil) == invalidArgument)
        let recording = unsafe raw.call { unsafe table.recording_end(stream, &$0, $1) }
        #expect(recording.code == 0)
        #expect(unsafe raw.functions.stream_synchronize(stream, -1, nil) == 0)
        #expect(unsafe table.recording_destroy(recording.made, nil) == 0)
    }

    @Test func `a recording of a wrong kind, destroyed, or of another device is refused`() throws {
        let table = unsafe try maker.group(HENG_KIND_RECORDING_TABLE, heng_recording_table())
        let other = try GroupedNull()
        let lane = unsafe other.raw.makeStream(other.raw.makeContext().made).made
        #expect(unsafe table.recording_begin(stream, nil) == 0)
        let recording = unsafe raw.call { unsafe table.recording_end(stream, &$0, $1) }.made
        var count: UInt64 = 0

        #expect(unsafe table.recording_submit(recording, lane, 0, nil) == wrongOwner)
        #expect(unsafe table.recording_submit(stream, stream, 0, nil) == invalidHandle)
        #expect(unsafe table.recording_submit(recording, context, 0, nil) == invalidHandle)
        #expect(unsafe table.recording_count(buffer, &count, nil) == invalidHandle)
        #expect(unsafe table.recording_count(recording, nil, nil) == invalidArgument)
        #expect(unsafe table.recording_submit(recording, stream, 0, nil) == 0)
        #expect(unsafe table.recording_destroy(recording, nil) == 0)
        #expect(unsafe table.recording_destroy(recording, nil) == invalidHandle)
        #expect(unsafe table.recording_submit(recording, stream, 0, nil) == invalidHandle)
        #expect(unsafe table.recording_count(OpaquePointer(bitPattern: 0x10), &count, nil) == invalidHandle)
    }

    @Test func `recorded work uses its buffers when it is submitted, and not without them`() throws {
        let table = unsafe try maker.group(HENG_KIND_RECORDING_TABLE, heng_recording_table())
        #expect(unsafe table.recording_begin(stream, nil) == 0)
        #expect(unsafe fill(stream, buffer) == 0)
        let recording = unsafe raw.call { unsafe table.recording_end(stream, &$0, $1) }.made
        let lane = unsafe raw.makeStream(context).made

        #expect(unsafe table.recording_submit(recording, lane, 0, nil) == 0)
        #expect(unsafe raw.functions.buffer_free(buffer, nil) == misuse)
        #expect(unsafe raw.functions.stream_synchronize(lane, -1, nil) == 0)
        #expect(unsafe raw.functions.buffer_free(buffer, nil) == 0)
        #expect(unsafe table.recording_submit(recording, lane, 0, nil) == misuse)
        #expect(unsafe table.recording_destroy(recording, nil) == 0)
    }

    // MARK: Profiles

    @Test func `profiles want contexts, structs of their kind, names and ranges that are open`() throws {
        let table = unsafe try maker.group(HENG_KIND_PROFILE_TABLE, heng_profile_table())
        var arguments = unsafe heng_profile_arguments()
        let unsized = unsafe table.profile_start(context, &arguments, nil)
        unsafe arguments.header = unsafe StructCrossing.header(
            HENG_KIND_PROFILE_ARGUMENTS, of: heng_profile_arguments.self)
        var count: UInt64 = 0

        #expect(unsized == codeOf(HENG_ERROR_VERSION))
        #expect(unsafe table.profile_start(context, nil, nil) == invalidArgument)
        #expect(unsafe table.profile_start(stream, &arguments, nil) == invalidHandle)
        #expect(unsafe table.profile_start(context, &arguments, nil) == 0)
        #expect(unsafe table.profile_read(context, nil, 4, &count, nil, nil) == invalidArgument)
        #expect(unsafe table.profile_read(context, nil, 0, nil, nil, nil) == invalidArgument)
        #expect(unsafe table.profile_read(context, nil, 0, &count, nil, nil) == 0)
        #expect(unsafe table.range_begin(stream, nil, 0, nil) == invalidArgument)
        #expect(unsafe table.range_end(stream, nil) == misuse)
        #expect(unsafe table.range_begin(stream, "outer", 0, nil) == 0)
        #expect(unsafe table.range_end(stream, nil) == 0)
        #expect(unsafe table.range_end(stream, nil) == misuse)
        #expect(unsafe table.mark(context, "here", 0, nil) == invalidHandle)
        #expect(unsafe table.profile_stop(nil, nil) == invalidHandle)
        #expect(unsafe table.profile_stop(context, nil) == 0)
    }

    // MARK: Models, callbacks, collectives

    @Test func `models want memory and streams of their device`() throws {
        let table = unsafe try maker.group(HENG_KIND_MODEL_TABLE, heng_model_table())
        let other = try GroupedNull()
        let foreign = unsafe other.raw.makeContext().made
        let memory = unsafe other.raw.makeBuffer(foreign, 64).made
        var byte: UInt8 = 1
        var arguments = unsafe heng_model_arguments()
        unsafe arguments.header = unsafe StructCrossing.header(
            HENG_KIND_MODEL_ARGUMENTS, of: heng_model_arguments.self)
        func load() -> RawTable.Outcome {
            unsafe raw.call { unsafe table.model_load(context, &arguments, &$0, $1) }
        }

        #expect(load().code == invalidArgument)
        unsafe withUnsafePointer(to: &byte) { byte in
            unsafe arguments.bytes = UnsafeRawPointer(byte)
            unsafe arguments.size = 1
            unsafe arguments.weights = heng_range(buffer: memory, host: nil, offset: 0, size: 64)
            #expect(load().code == wrongOwner)
            unsafe arguments.weights = heng_range(buffer: buffer, host: nil, offset: 0, size: 64)
            let model = unsafe load().made
            let range = unsafe [heng_range(buffer: buffer, host: nil, offset: 32, size: 64)]
            let outside = unsafe table.model_submit(model, stream, range, 1, nil, 0, 0, nil)
            #expect(outside == codeOf(HENG_ERROR_OUT_OF_RANGE))
            #expect(unsafe table.model_submit(model, stream, nil, 1, nil, 0, 0, nil) == invalidArgument)
            #expect(unsafe table.model_submit(stream, stream, nil, 0, nil, 0, 0, nil) == invalidHandle)
            #expect(unsafe table.model_submit(model, stream, nil, 0, nil, 0, 0, nil) == 0)
            #expect(unsafe table.model_unload(model, nil) == 0)
            #expect(unsafe table.model_submit(model, stream, nil, 0, nil, 0, 0, nil) == invalidHandle)
        }
    }

    @Test func `callbacks are processed only on a thread that serves a stream`() throws {
        let table = unsafe try maker.group(HENG_KIND_CALLBACK_TABLE, heng_callback_table())

        #expect(unsafe table.callback_process(0, nil) == codeOf(HENG_ERROR_SUBSCRIPTION_THREAD))
        #expect(unsafe table.callback_subscribe(context, nil) == invalidHandle)
        #expect(unsafe table.callback_subscribe(stream, nil) == 0)
        #expect(unsafe table.callback_process(-2, nil) == invalidArgument)
        #expect(unsafe table.callback_process(0, nil) == 0)
        #expect(unsafe table.callback_launch(stream, nil, nil, 0, 0, nil) == invalidArgument)
        #expect(unsafe table.callback_launch(stream, { _ in }, nil, 2, 0, nil) == invalidArgument)
        #expect(unsafe table.callback_launch(stream, { _ in }, nil, 1, 0, nil) == 0)
        #expect(unsafe table.callback_unsubscribe(stream, nil) == 0)
        #expect(unsafe table.callback_process(0, nil) == codeOf(HENG_ERROR_SUBSCRIPTION_THREAD))
    }

    @Test func `collectives want a communicator of the stream's device and enough memory`() throws {
        let table = unsafe try maker.group(HENG_KIND_COLLECTIVE_TABLE, heng_collective_table())
        var arguments = unsafe heng_communicator_arguments()
        unsafe arguments.header = unsafe StructCrossing.header(
            HENG_KIND_COMMUNICATOR_ARGUMENTS, of: heng_communicator_arguments.self)
        func create() -> RawTable.Outcome {
            unsafe raw.call { unsafe table.communicator_create(context, &arguments, &$0, $1) }
        }
        // Rank 0 of no ranks cannot be.
        #expect(create().code == invalidArgument)
        unsafe arguments.count = 1
        let communicator = unsafe create().made
        var range = unsafe heng_range(buffer: buffer, host: nil, offset: 0, size: 64)
        func reduce(_ communicator: OpaquePointer?, _ count: UInt64, _ type: Int) -> Int32 {
            unsafe table.all_reduce(
                communicator, stream, &range, &range, count, Int32(type), 0, 0, nil)
        }

        #expect(unsafe reduce(communicator, 17, HENG_TYPE_FLOAT32) == codeOf(HENG_ERROR_OUT_OF_RANGE))
        #expect(unsafe reduce(communicator, 1, HENG_TYPE_STRING) == codeOf(HENG_ERROR_DATA_TYPE))
        #expect(unsafe reduce(stream, 1, HENG_TYPE_FLOAT32) == invalidHandle)
        #expect(unsafe reduce(communicator, 16, HENG_TYPE_FLOAT32) == 0)
        #expect(unsafe table.communicator_destroy(communicator, nil) == 0)
        #expect(unsafe reduce(communicator, 16, HENG_TYPE_FLOAT32) == invalidHandle)
    }
}
