// The null device: everything succeeds at once and nothing is computed.
//
// It is the floor under measurements of launch cost: what remains is the price of the interface itself. Buffers
// are real memory; launches, copies and fills are checked for a handle and then dropped; events take the time.

internal import CHengAccelerator
internal import Essentials
internal import Synchronization

/// The backend with one device, `null:0`.
package enum NullDevice {
    /// Lists it for a registry; it is not among the devices a person sees.
    package static let backend = unsafe Backend(name: "null") { major in
        major == HENG_ACCELERATOR_MAJOR ? unsafe table.functions : nil
    }

    private static let table = unsafe DeviceTable(owning: makeTable())
    private static let life = DeviceLifecycle<NullObject>("null backend")
    private static let device = NullObject(context: nil)
}

/// A device, context, stream or event of the null device.
private final class NullObject: Sendable {
    let context: NullObject?
    let account = Mutex(MemoryAccount())
    /// When the event was recorded; 0: never.
    let time = Atomic<Int64>(0)
    /// How many streams, events and buffers a context owns.
    let children = Atomic<Int>(0)

    init(context: NullObject?) {
        self.context = context
        context?.children.wrappingAdd(1, ordering: .relaxed)
    }

    deinit { context?.children.wrappingSubtract(1, ordering: .relaxed) }
}

@safe private final class NullBuffer: @unchecked Sendable {
    // Unchecked: the address never changes.
    let owner: NullObject
    let address: UnsafeMutableRawPointer
    let size: Int

    init(in context: NullObject, size: Int) {
        owner = NullObject(context: context)
        unsafe address = UnsafeMutableRawPointer.allocate(byteCount: size, alignment: 64)
        self.size = size
        context.account.withLock { $0.use(size) }
    }

    deinit {
        owner.context?.account.withLock { $0.giveBack(size) }
        unsafe address.deallocate()
    }
}

extension NullDevice {
    private static func makeTable() -> heng_accelerator_table {
        var table = unsafe heng_accelerator_table.named("null")
        unsafe addDeviceFunctions(&table)
        unsafe addContextFunctions(&table)
        unsafe addStreamFunctions(&table)
        unsafe addEventFunctions(&table)
        unsafe addBufferFunctions(&table)
        return unsafe table
    }

    private static func addDeviceFunctions(_ table: inout heng_accelerator_table) {
        unsafe table.initialize = { arguments, error in
            unsafe ErrorCrossing.export(to: error) { () throws(DeviceError) in
                try unsafe NullDevice.life.initialize(arguments) { _ in [NullDevice.device] }
            }
        }
        unsafe table.finalize = { error in
            unsafe ErrorCrossing.export(to: error) { () throws(DeviceError) in
                try NullDevice.life.finalize { $0.reduce(0) { $0 + $1.children.load(ordering: .relaxed) } }
            }
        }
        unsafe table.device_count = { count, error in unsafe NullDevice.life.count(count, error) }
        unsafe table.device_get = { index, result, error in
            unsafe NullDevice.life.get(index, result, error)
        }
        unsafe table.device_describe = { _, description, error in
            unsafe ErrorCrossing.export(to: error) { () throws(DeviceError) in
                try unsafe deliver(describe(), to: description, "device_describe")
            }
        }
        unsafe table.device_synchronize = { _, _ in 0 }
    }

    private static func addContextFunctions(_ table: inout heng_accelerator_table) {
        unsafe table.context_create = { _, result, error in
            unsafe ErrorCrossing.export(to: error) { () throws(DeviceError) in
                try unsafe place(result, "context_create").pointee =
                    handle(NullObject(context: NullDevice.device))
            }
        }
        unsafe table.context_destroy = { context, error in
            unsafe ErrorCrossing.export(to: error) { () throws(DeviceError) in
                let left = try unsafe object(context, NullObject.self, "context_destroy")
                    .children.load(ordering: .relaxed)
                guard left == 0 else {
                    throw DeviceError(
                        .notReleased, operation: "context_destroy",
                        text: "A context of the null device still owns \(left) objects.")
                }
                unsafe release(context, NullObject.self)
            }
        }
        unsafe table.context_memory_info = { context, info, error in
            unsafe ErrorCrossing.export(to: error) { () throws(DeviceError) in
                let context = try unsafe object(context, NullObject.self, "context_memory_info")
                var account = context.account.withLock { $0 }
                account.reserved = account.inUse
                try unsafe deliver(account.raw, to: info, "context_memory_info")
            }
        }
        unsafe table.context_limit_memory = { context, limit, error in
            unsafe ErrorCrossing.export(to: error) { () throws(DeviceError) in
                try unsafe object(context, NullObject.self, "context_limit_memory")
                    .account.withLock { $0.limit(to: limit) }
            }
        }
        unsafe table.context_trim_memory = { _, released, _ in
            if let released = unsafe released { unsafe released.pointee = 0 }
            return 0
        }
    }

    private static func addStreamFunctions(_ table: inout heng_accelerator_table) {
        unsafe table.stream_create = { context, _, result, error in
            unsafe ErrorCrossing.export(to: error) { () throws(DeviceError) in
                let context = try unsafe object(context, NullObject.self, "stream_create")
                try unsafe place(result, "stream_create").pointee = handle(NullObject(context: context))
            }
        }
        unsafe table.stream_destroy = { stream, _ in
            unsafe release(stream, NullObject.self)
            return 0
        }
        unsafe table.stream_synchronize = { stream, _, error in unsafe accept(stream, error) }
        unsafe table.stream_wait_event = { stream, _, _, error in unsafe accept(stream, error) }
        unsafe table.stream_launch = { stream, _, _, _, _, error in unsafe accept(stream, error) }
        unsafe table.stream_launch_fallible = { stream, _, _, _, _, error in unsafe accept(stream, error) }
        unsafe table.stream_copy = { stream, _, _, _, _, error in unsafe accept(stream, error) }
        unsafe table.stream_fill = { stream, _, _, _, _, error in unsafe accept(stream, error) }
    }

    private static func addEventFunctions(_ table: inout heng_accelerator_table) {
        unsafe table.event_create = { context, result, error in
            unsafe ErrorCrossing.export(to: error) { () throws(DeviceError) in
                let context = try unsafe object(context, NullObject.self, "event_create")
                try unsafe place(result, "event_create").pointee = handle(NullObject(context: context))
            }
        }
        unsafe table.event_destroy = { event, _ in
            unsafe release(event, NullObject.self)
            return 0
        }
        unsafe table.event_record = { event, _, _, error in
            unsafe ErrorCrossing.export(to: error) { () throws(DeviceError) in
                try unsafe object(event, NullObject.self, "event_record")
                    .time.store(TimePoint.monotonicNow().nanoseconds, ordering: .relaxed)
            }
        }
        unsafe table.event_query = { event, complete, error in
            unsafe ErrorCrossing.export(to: error) { () throws(DeviceError) in
                _ = try unsafe recordTime(event, "event_query")
                try unsafe place(complete, "event_query").pointee = 1
            }
        }
        unsafe table.event_synchronize = { event, _, error in
            unsafe ErrorCrossing.export(to: error) { () throws(DeviceError) in
                _ = try unsafe recordTime(event, "event_synchronize")
            }
        }
        unsafe table.event_elapsed = { start, end, milliseconds, error in
            unsafe ErrorCrossing.export(to: error) { () throws(DeviceError) in
                let from = try unsafe recordTime(start, "event_elapsed")
                let to = try unsafe recordTime(end, "event_elapsed")
                try unsafe place(milliseconds, "event_elapsed").pointee = Double(to - from) / 1e6
            }
        }
    }

    private static func addBufferFunctions(_ table: inout heng_accelerator_table) {
        unsafe table.buffer_allocate = { context, arguments, result, error in
            unsafe ErrorCrossing.export(to: error) { () throws(DeviceError) in
                let context = try unsafe object(context, NullObject.self, "buffer_allocate")
                let size = try unsafe bufferSize(arguments, context)
                try unsafe place(result, "buffer_allocate").pointee = handle(
                    NullBuffer(in: context, size: size))
            }
        }
        unsafe table.buffer_free = { buffer, _ in
            unsafe release(buffer, NullBuffer.self)
            return 0
        }
        unsafe table.buffer_host_address = { buffer, address, error in
            unsafe ErrorCrossing.export(to: error) { () throws(DeviceError) in
                let buffer = try unsafe object(buffer, NullBuffer.self, "buffer_host_address")
                try unsafe place(address, "buffer_host_address").pointee = unsafe buffer.address
            }
        }
    }
}

@inline(__always)
private func accept(_ handle: OpaquePointer?, _ error: ErrorPlace?) -> Int32 {
    if unsafe handle != nil { return 0 }
    return unsafe ErrorCrossing.store(invalid("stream", "A stream handle is null."), at: error)
}

private func describe() -> heng_device_description {
    var description = unsafe heng_device_description()
    unsafe description.kind = nullText
    unsafe description.name = nullText
    unsafe description.vendor = nullText
    unsafe description.numa_node = -1
    unsafe description.buffer_alignment = 64
    unsafe description.copy_alignment = 1
    unsafe description.host_addressable = 1
    return unsafe description
}

nonisolated(unsafe) private let nullText = unsafe cString("null")

private func recordTime(_ event: OpaquePointer?, _ operation: StaticString) throws(DeviceError) -> Int64 {
    let time = try unsafe object(event, NullObject.self, operation).time.load(ordering: .relaxed)
    guard time != 0 else {
        throw DeviceError(
            .eventNotRecorded, operation: "\(operation)", text: "No stream was asked to record this event.")
    }
    return time
}

private func bufferSize(
    _ arguments: UnsafePointer<heng_buffer_arguments>?, _ context: NullObject
) throws(DeviceError) -> Int {
    guard let arguments = unsafe StructCrossing.read(arguments, zero: heng_buffer_arguments()),
        unsafe arguments.size > 0
    else {
        throw invalid(
            "buffer_allocate", "A buffer needs arguments with struct_size set and at least one byte.")
    }
    let size = unsafe Int(clamping: arguments.size)
    // Memory is real, so an absurd size has to be refused here rather than end the process.
    let shortage = context.account.withLock { $0.shortage(for: size) }
    guard let left = size < 1 << 46 ? shortage : shortage ?? .zero else { return size }
    throw DeviceError(
        .outOfDeviceMemory, operation: "buffer_allocate",
        text: "A buffer of \(ByteCount(bytes: size)) does not fit on the null device.",
        requested: ByteCount(bytes: size), available: left, isRetriable: true)
}
