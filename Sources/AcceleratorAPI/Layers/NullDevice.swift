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
    private static let phase = Atomic<Int>(0)
    private static let device = NullObject(context: nil)
}

/// A device, context, stream or event of the null device.
private final class NullObject: Sendable {
    let context: NullObject?
    let inUse = Atomic<Int>(0)
    let highWater = Atomic<Int>(0)
    let limit = Atomic<Int>(0)
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
        let inUse = context.inUse.wrappingAdd(size, ordering: .relaxed).newValue
        _ = context.highWater.max(inUse, ordering: .relaxed)
    }

    deinit {
        owner.context?.inUse.wrappingSubtract(size, ordering: .relaxed)
        unsafe address.deallocate()
    }
}

extension NullDevice {
    private static func makeTable() -> heng_accelerator_table {
        var table = unsafe heng_accelerator_table()
        unsafe table.header = unsafe StructCrossing.header(HENG_KIND_TABLE, of: heng_accelerator_table.self)
        unsafe table.abi_major = HENG_ACCELERATOR_MAJOR
        unsafe table.abi_minor = HENG_ACCELERATOR_MINOR
        unsafe table.name = cString("null")
        unsafe table.error_describe = unsafe ErrorCrossing.describe
        unsafe table.error_destroy = unsafe ErrorCrossing.destroy
        unsafe addDeviceFunctions(&table)
        unsafe addContextFunctions(&table)
        unsafe addStreamFunctions(&table)
        unsafe addEventFunctions(&table)
        unsafe addBufferFunctions(&table)
        return unsafe table
    }

    private static func addDeviceFunctions(_ table: inout heng_accelerator_table) {
        unsafe table.initialize = { _, error in
            unsafe ErrorCrossing.export(to: error) { () throws(DeviceError) in
                let step = NullDevice.phase.compareExchange(expected: 0, desired: 1, ordering: .relaxed)
                guard step.exchanged else {
                    throw DeviceError(
                        .repeatedInitialize, operation: "initialize",
                        text: "The null backend is initialized already.")
                }
            }
        }
        unsafe table.finalize = { error in
            unsafe ErrorCrossing.export(to: error) { () throws(DeviceError) in try NullDevice.finalize() }
        }
        unsafe table.device_count = { count, error in
            unsafe ErrorCrossing.export(to: error) { () throws(DeviceError) in
                try unsafe place(count, "device_count").pointee = 1
            }
        }
        unsafe table.device_get = { index, result, error in
            unsafe ErrorCrossing.export(to: error) { () throws(DeviceError) in
                guard index == 0 else {
                    throw DeviceError(
                        .invalidDeviceIndex, operation: "device_get",
                        text: "There is one null device, number 0.")
                }
                try unsafe place(result, "device_get").pointee =
                    OpaquePointer(Unmanaged.passUnretained(NullDevice.device).toOpaque())
            }
        }
        unsafe table.device_describe = { _, description, error in
            unsafe ErrorCrossing.export(to: error) { () throws(DeviceError) in
                guard try unsafe StructCrossing.fill(place(description, "device_describe"), with: describe())
                else {
                    throw DeviceError(
                        .version, operation: "device_describe",
                        text: "The description's struct_size is not set.")
                }
            }
        }
        unsafe table.device_synchronize = { _, _ in 0 }
    }

    private static func finalize() throws(DeviceError) {
        guard device.children.load(ordering: .relaxed) == 0 else {
            throw DeviceError(
                .notReleased, operation: "finalize", text: "Contexts of the null device still live.")
        }
        let step = phase.compareExchange(expected: 1, desired: 2, ordering: .relaxed)
        guard step.exchanged else {
            throw DeviceError(
                step.original == 0 ? .notInitialized : .repeatedFinalize, operation: "finalize",
                text: "The null backend is not initialized.")
        }
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
                var full = unsafe heng_memory_info()
                unsafe full.in_use = UInt64(context.inUse.load(ordering: .relaxed))
                unsafe full.reserved = full.in_use
                unsafe full.high_water = UInt64(context.highWater.load(ordering: .relaxed))
                unsafe full.limit = UInt64(context.limit.load(ordering: .relaxed))
                guard try unsafe StructCrossing.fill(place(info, "context_memory_info"), with: full) else {
                    throw DeviceError(
                        .version, operation: "context_memory_info", text: "The info's struct_size is not set."
                    )
                }
            }
        }
        unsafe table.context_limit_memory = { context, limit, error in
            unsafe ErrorCrossing.export(to: error) { () throws(DeviceError) in
                try unsafe object(context, NullObject.self, "context_limit_memory")
                    .limit.store(Int(clamping: limit), ordering: .relaxed)
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
    let limit = context.limit.load(ordering: .relaxed)
    let left = limit - context.inUse.load(ordering: .relaxed)
    // Memory is real, so an absurd size has to be refused here rather than end the process.
    guard limit == 0 ? size < 1 << 46 : size <= left else {
        throw DeviceError(
            .outOfDeviceMemory, operation: "buffer_allocate",
            text: "A buffer of \(ByteCount(bytes: size)) does not fit on the null device.",
            requested: ByteCount(bytes: size), available: ByteCount(bytes: max(0, left)), isRetriable: true)
    }
    return size
}
