internal import AcceleratorAPI
internal import CHengAccelerator
internal import Essentials
internal import Synchronization

/// The table under test, as cases call it: every call is checked for what is true of all calls.
///
/// A failing call must give a known code, an error object that agrees with it, and nothing else. What breaks these
/// rules is kept and fails the case, whatever else the case looks at.
@safe package final class Rig: @unchecked Sendable {
    // Unchecked: the table is a copy that never changes; what changes is in the mutex.
    let functions: heng_accelerator_table
    let device: Handle
    private let flaws = Mutex<[String]>([])
    private let groups = Mutex<[Int: UInt]>([:])

    /// The device of that index in an initialized table.
    init(_ functions: heng_accelerator_table, device: Handle) {
        unsafe self.functions = unsafe functions
        self.device = device
    }

    /// What calls broke so far.
    var broken: [String] { flaws.withLock { $0 } }

    func note(_ flaw: String) { flaws.withLock { if $0.count < 20 { $0.append(flaw) } } }
}

// MARK: - Calling

extension Rig {
    /// Calls a function of the table, and reads and destroys the error.
    func call<Function>(
        _ function: Function?, _ name: String, _ body: (Function, ErrorPlace) -> Int32
    ) -> Answer {
        guard let function else {
            return Answer(function: name, code: DeviceError.Code.unsupported.rawValue, isMissing: true)
        }
        var error: OpaquePointer?
        let code = unsafe body(function, &error)
        var answer = Answer(function: name, code: code)
        answer.error = unsafe facts(error, of: name)
        judge(answer)
        return answer
    }

    /// Calls a function that makes something.
    func make<Function>(
        _ function: Function?, _ name: String,
        _ body: (Function, UnsafeMutablePointer<OpaquePointer?>, ErrorPlace) -> Int32
    ) -> Made {
        var made: OpaquePointer?
        let answer = unsafe call(function, name) { unsafe body($0, &made, $1) }
        return Made(answer: answer, handle: unsafe Handle(made))
    }

    private func facts(_ error: OpaquePointer?, of name: String) -> ErrorFacts? {
        guard let error = unsafe error else { return nil }
        defer { unsafe functions.error_destroy?(error) }
        var raw = unsafe heng_error_description()
        unsafe raw.header = StructCrossing.header(
            HENG_KIND_ERROR_DESCRIPTION, of: heng_error_description.self)
        guard let describe = unsafe functions.error_describe, unsafe describe(error, &raw) == 0 else {
            note("error_describe does not describe an error of \(name).")
            return nil
        }
        return unsafe ErrorFacts(
            code: raw.code, scope: raw.scope, nativeCode: raw.native_code, requested: raw.requested,
            available: raw.available, operation: text(raw.operation), text: text(raw.text),
            isRetriable: raw.retriable != 0, correlation: raw.correlation, node: text(raw.node),
            operatorName: text(raw.operator_name))
    }

    func text(_ place: UnsafePointer<CChar>?) -> String? {
        unsafe place.map { unsafe String(cString: $0) }
    }

    private func judge(_ answer: Answer) {
        let (name, code) = (answer.function, answer.code)
        if code > 0 { note("\(name) returns \(code): codes are 0 or negative.") }
        if code < ErrorNames.lowest { note("\(name) returns \(code), which is no class of the interface.") }
        guard let error = answer.error else { return }
        if code == 0 { note("\(name) succeeds, and stores an error object all the same.") }
        if code != 0 && error.code != code {
            note("\(name) returns \(code), and its error object says \(error.code).")
        }
        if error.text?.isEmpty ?? true { note("An error of \(name) has no text.") }
        if !(0...3).contains(error.scope) { note("An error of \(name) has the scope \(error.scope).") }
    }

    /// The table of a group, as its maker gave it; nil where there is none.
    func group<Table>(_ kind: Int, zero: Table) -> Table? {
        guard let function = unsafe functions.group else { return nil }
        let known = groups.withLock { $0[kind] }
        var address = known ?? 0
        if known == nil {
            var place: UnsafePointer<heng_header>?
            let answer = unsafe call(function, "group") { unsafe $0(UInt32(kind), &place, $1) }
            if answer.code == 0 { address = UInt(bitPattern: place) }
            groups.withLock { $0[kind] = address }
        }
        guard let start = unsafe UnsafeRawPointer(bitPattern: address) else { return nil }
        return unsafe StructCrossing.read(start.assumingMemoryBound(to: Table.self), zero: zero)
    }
}

// MARK: - Devices

extension Rig {
    func deviceCount() -> (answer: Answer, count: UInt32) {
        var count: UInt32 = 0
        let answer = unsafe call(functions.device_count, "device_count") { unsafe $0(&count, $1) }
        return (answer, count)
    }

    func deviceGet(_ index: UInt32) -> Made {
        unsafe make(functions.device_get, "device_get") { unsafe $0(index, $1, $2) }
    }

    func deviceSynchronize(_ device: Handle? = nil) -> Answer {
        unsafe call(functions.device_synchronize, "device_synchronize") {
            unsafe $0((device ?? self.device).raw, $1)
        }
    }

    /// Describes into a struct that the caller prepared.
    func describe(_ raw: inout heng_device_description, _ device: Handle? = nil) -> Answer {
        unsafe call(functions.device_describe, "device_describe") {
            unsafe $0((device ?? self.device).raw, &raw, $1)
        }
    }

    func attribute(_ index: UInt32) -> (answer: Answer, key: String?, value: String?) {
        var (key, value): (UnsafePointer<CChar>?, UnsafePointer<CChar>?) = (nil, nil)
        let answer = unsafe call(functions.device_attribute, "device_attribute") {
            unsafe $0(device.raw, index, &key, &value, $1)
        }
        return unsafe (answer, text(key), text(value))
    }

    func status() -> (answer: Answer, status: heng_device_status) {
        var raw = unsafe heng_device_status()
        unsafe raw.header = StructCrossing.header(HENG_KIND_DEVICE_STATUS, of: heng_device_status.self)
        let answer = unsafe call(functions.device_status, "device_status") {
            unsafe $0(device.raw, &raw, $1)
        }
        return unsafe (answer, raw)
    }

    func clock() -> (answer: Answer, device: Int64, host: Int64) {
        var (device, host): (Int64, Int64) = (0, 0)
        let answer = unsafe call(functions.device_clock, "device_clock") {
            unsafe $0(self.device.raw, &device, &host, $1)
        }
        return (answer, device, host)
    }

    func deviceReset() -> Answer {
        unsafe call(functions.device_reset, "device_reset") { unsafe $0(device.raw, $1) }
    }

    func partition(units: UInt32, memory: UInt64 = 0) -> Made {
        var raw = unsafe heng_partition_arguments()
        unsafe raw.header = StructCrossing.header(
            HENG_KIND_PARTITION_ARGUMENTS, of: heng_partition_arguments.self)
        unsafe raw.compute_units = units
        unsafe raw.memory_bytes = memory
        return unsafe make(functions.device_partition, "device_partition") {
            unsafe $0(device.raw, &raw, $1, $2)
        }
    }

    func release(part: Handle) -> Answer {
        unsafe call(functions.device_release, "device_release") { unsafe $0(part.raw, $1) }
    }
}

// MARK: - Contexts

extension Rig {
    func contextCreate(on device: Handle? = nil) -> Made {
        unsafe make(functions.context_create, "context_create") {
            unsafe $0((device ?? self.device).raw, $1, $2)
        }
    }

    func contextDestroy(_ context: Handle) -> Answer {
        unsafe call(functions.context_destroy, "context_destroy") { unsafe $0(context.raw, $1) }
    }

    func memoryInfo(_ context: Handle) -> (answer: Answer, info: heng_memory_info) {
        var raw = unsafe heng_memory_info()
        unsafe raw.header = StructCrossing.header(HENG_KIND_MEMORY_INFO, of: heng_memory_info.self)
        let answer = unsafe call(functions.context_memory_info, "context_memory_info") {
            unsafe $0(context.raw, &raw, $1)
        }
        return unsafe (answer, raw)
    }

    func limitMemory(_ context: Handle, _ bytes: UInt64) -> Answer {
        unsafe call(functions.context_limit_memory, "context_limit_memory") {
            unsafe $0(context.raw, bytes, $1)
        }
    }

    func trimMemory(_ context: Handle) -> (answer: Answer, released: UInt64) {
        var released: UInt64 = 0
        let answer = unsafe call(functions.context_trim_memory, "context_trim_memory") {
            unsafe $0(context.raw, &released, $1)
        }
        return (answer, released)
    }

    func keepMemory(_ context: Handle, _ bytes: UInt64) -> Answer {
        unsafe call(functions.context_keep_memory, "context_keep_memory") {
            unsafe $0(context.raw, bytes, $1)
        }
    }

    /// The epoch, and the class of the error that broke the context; 0 for none.
    func contextState(_ context: Handle) -> (answer: Answer, epoch: UInt64, cause: Int32) {
        var epoch: UInt64 = 0
        var cause: OpaquePointer?
        let answer = unsafe call(functions.context_state, "context_state") {
            unsafe $0(context.raw, &epoch, &cause, $1)
        }
        let facts = unsafe facts(cause, of: "context_state")
        return (answer, epoch, facts?.code ?? 0)
    }

    func rebuild(_ context: Handle) -> Answer {
        unsafe call(functions.context_rebuild, "context_rebuild") { unsafe $0(context.raw, $1) }
    }
}

// MARK: - Streams

extension Rig {
    /// What a stream is asked for; the rest is the maker's choice.
    struct StreamWishes {
        var priority: Int32 = 0
        var workMilliseconds: UInt32 = 0
        var continues = false
    }

    func streamCreate(_ context: Handle, _ wishes: StreamWishes? = nil) -> Made {
        guard let wishes else {
            return unsafe make(functions.stream_create, "stream_create") {
                unsafe $0(context.raw, nil, $1, $2)
            }
        }
        var raw = unsafe heng_stream_arguments()
        unsafe raw.header = StructCrossing.header(HENG_KIND_STREAM_ARGUMENTS, of: heng_stream_arguments.self)
        unsafe raw.priority = wishes.priority
        unsafe raw.work_milliseconds = wishes.workMilliseconds
        unsafe raw.continues = wishes.continues ? 1 : 0
        return unsafe streamCreate(context, raw: &raw)
    }

    func streamCreate(_ context: Handle, raw: inout heng_stream_arguments) -> Made {
        unsafe make(functions.stream_create, "stream_create") { unsafe $0(context.raw, &raw, $1, $2) }
    }

    func streamDestroy(_ stream: Handle) -> Answer {
        unsafe call(functions.stream_destroy, "stream_destroy") { unsafe $0(stream.raw, $1) }
    }

    func synchronize(_ stream: Handle, _ milliseconds: Int32 = -1) -> Answer {
        unsafe call(functions.stream_synchronize, "stream_synchronize") {
            unsafe $0(stream.raw, milliseconds, $1)
        }
    }

    func query(_ stream: Handle) -> (answer: Answer, isIdle: Bool) {
        var idle: UInt8 = 0
        let answer = unsafe call(functions.stream_query, "stream_query") {
            unsafe $0(stream.raw, &idle, $1)
        }
        return (answer, idle != 0)
    }

    func abort(_ stream: Handle) -> Answer {
        unsafe call(functions.stream_abort, "stream_abort") { unsafe $0(stream.raw, $1) }
    }

    func wait(_ stream: Handle, for event: Handle) -> Answer {
        unsafe call(functions.stream_wait_event, "stream_wait_event") {
            unsafe $0(stream.raw, event.raw, 0, $1)
        }
    }

    func launch(_ stream: Handle, _ work: HostWork, correlation: UInt64 = 0) -> Answer {
        if let function = unsafe work.fallible {
            return unsafe call(functions.stream_launch_fallible, "stream_launch_fallible") { launch, error in
                unsafe work.bytes.withUnsafeBytes {
                    unsafe launch(
                        stream.raw, function, $0.baseAddress, UInt32($0.count), correlation, error)
                }
            }
        }
        return unsafe call(functions.stream_launch, "stream_launch") { launch, error in
            unsafe work.bytes.withUnsafeBytes {
                unsafe launch(
                    stream.raw, work.plain, $0.baseAddress, UInt32($0.count), correlation, error)
            }
        }
    }

    func copy(
        _ stream: Handle, to destination: Place?, from source: Place?, _ bytes: Int, correlation: UInt64 = 0
    ) -> Answer {
        unsafe call(functions.stream_copy, "stream_copy") { copy, error in
            unsafe withRange(destination) { destination in
                unsafe withRange(source) { source in
                    unsafe copy(stream.raw, destination, source, UInt64(bytes), correlation, error)
                }
            }
        }
    }

    func fill(
        _ stream: Handle, _ destination: Place?, with value: UInt8, _ bytes: Int, correlation: UInt64 = 0
    ) -> Answer {
        unsafe call(functions.stream_fill, "stream_fill") { fill, error in
            unsafe withRange(destination) {
                unsafe fill(stream.raw, $0, value, UInt64(bytes), correlation, error)
            }
        }
    }

    /// A block's shape in memory: where it starts, and the distances from row to row and plane to plane.
    struct Block {
        var place: Place
        var rowPitch: Int
        var planePitch: Int
    }

    func copyBlock(
        _ stream: Handle, to destination: Block, from source: Block, width: Int, height: Int, depth: Int
    ) -> Answer {
        func raw(_ block: Block) -> heng_block {
            unsafe heng_block(
                range: block.place.range, row_pitch: UInt64(block.rowPitch),
                plane_pitch: UInt64(block.planePitch))
        }
        var (to, from) = unsafe (raw(destination), raw(source))
        return unsafe call(functions.stream_copy_block, "stream_copy_block") {
            unsafe $0(stream.raw, &to, &from, UInt64(width), UInt64(height), UInt64(depth), 0, $1)
        }
    }

    func withRange<Result>(
        _ place: Place?, _ body: (UnsafePointer<heng_range>?) -> Result
    ) -> Result {
        guard let place else { return body(nil) }
        var range = unsafe place.range
        return unsafe body(&range)
    }
}

// MARK: - Events

extension Rig {
    func eventCreate(_ context: Handle) -> Made {
        unsafe make(functions.event_create, "event_create") { unsafe $0(context.raw, $1, $2) }
    }

    func eventDestroy(_ event: Handle) -> Answer {
        unsafe call(functions.event_destroy, "event_destroy") { unsafe $0(event.raw, $1) }
    }

    func record(_ event: Handle, in stream: Handle) -> Answer {
        unsafe call(functions.event_record, "event_record") { unsafe $0(event.raw, stream.raw, 0, $1) }
    }

    func query(event: Handle) -> (answer: Answer, isComplete: Bool) {
        var complete: UInt8 = 0
        let answer = unsafe call(functions.event_query, "event_query") {
            unsafe $0(event.raw, &complete, $1)
        }
        return (answer, complete != 0)
    }

    func queryWaits(_ event: Handle) -> (answer: Answer, isComplete: Bool) {
        var complete: UInt8 = 0
        let answer = unsafe call(functions.event_query_waits, "event_query_waits") {
            unsafe $0(event.raw, &complete, $1)
        }
        return (answer, complete != 0)
    }

    func synchronize(event: Handle, _ milliseconds: Int32 = -1) -> Answer {
        unsafe call(functions.event_synchronize, "event_synchronize") {
            unsafe $0(event.raw, milliseconds, $1)
        }
    }

    func elapsed(_ start: Handle, _ end: Handle) -> (answer: Answer, milliseconds: Double) {
        var milliseconds = Double.nan
        let answer = unsafe call(functions.event_elapsed, "event_elapsed") {
            unsafe $0(start.raw, end.raw, &milliseconds, $1)
        }
        return (answer, milliseconds)
    }

    func reset(_ event: Handle) -> Answer {
        unsafe call(functions.event_reset, "event_reset") { unsafe $0(event.raw, $1) }
    }
}

// MARK: - Memory

extension Rig {
    func bufferArguments(_ size: UInt64, pages: Int32 = 0) -> heng_buffer_arguments {
        var raw = unsafe heng_buffer_arguments()
        unsafe raw.header = StructCrossing.header(HENG_KIND_BUFFER_ARGUMENTS, of: heng_buffer_arguments.self)
        unsafe raw.size = size
        unsafe raw.numa_node = -1
        unsafe raw.pages = pages
        return unsafe raw
    }

    func allocate(_ context: Handle, _ size: UInt64, pages: Int32 = 0) -> Made {
        var raw = unsafe bufferArguments(size, pages: pages)
        return unsafe allocate(context, raw: &raw)
    }

    func allocate(_ context: Handle, raw: inout heng_buffer_arguments) -> Made {
        unsafe make(functions.buffer_allocate, "buffer_allocate") { unsafe $0(context.raw, &raw, $1, $2) }
    }

    func free(_ buffer: Handle) -> Answer {
        unsafe call(functions.buffer_free, "buffer_free") { unsafe $0(buffer.raw, $1) }
    }

    /// The address as a number; 0 where there is none.
    func hostAddress(_ buffer: Handle) -> (answer: Answer, address: UInt) {
        var address: UnsafeMutableRawPointer?
        let answer = unsafe call(functions.buffer_host_address, "buffer_host_address") {
            unsafe $0(buffer.raw, &address, $1)
        }
        return (answer, UInt(bitPattern: address))
    }

    func allocate(in stream: Handle, _ size: UInt64) -> Made {
        var raw = unsafe bufferArguments(size)
        return unsafe make(functions.stream_allocate, "stream_allocate") {
            unsafe $0(stream.raw, &raw, $1, $2)
        }
    }

    func free(_ buffer: Handle, in stream: Handle) -> Answer {
        unsafe call(functions.stream_free, "stream_free") { unsafe $0(stream.raw, buffer.raw, $1) }
    }

    func hostAllocate(_ context: Handle, _ size: UInt64) -> (answer: Answer, address: UInt) {
        var raw = unsafe bufferArguments(size)
        var address: UnsafeMutableRawPointer?
        let answer = unsafe call(functions.host_allocate, "host_allocate") {
            unsafe $0(context.raw, &raw, &address, $1)
        }
        return (answer, UInt(bitPattern: address))
    }

    func hostFree(_ context: Handle, _ address: UInt) -> Answer {
        unsafe call(functions.host_free, "host_free") {
            unsafe $0(context.raw, UnsafeMutableRawPointer(bitPattern: address), $1)
        }
    }
}
