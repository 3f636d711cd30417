import AcceleratorAPI
import CHengAccelerator
import ComputeGraph
import Essentials
import SimulatedBackend
import Testing

/// A simulated device through its C table, as a program without our Swift layer uses it.
@safe struct Sim: @unchecked Sendable {
    // Unchecked: written once, and the table allows any thread.
    let device: Device
    let table: heng_accelerator_table
    typealias Handle = OpaquePointer?

    init(_ change: (inout SimulatedSettings) -> Void = { _ in }) throws {
        var settings = SimulatedSettings()
        settings.memory = .mebibytes(16)
        // 1 byte takes 1 ns, and every piece of work 1000 ns more.
        settings.bytesPerSecond = 1_000_000_000
        settings.launchNanoseconds = 1000
        change(&settings)
        device = try SimulatedDevices.device(settings)
        unsafe table = unsafe device.table.functions.pointee
    }

    /// Calls, and throws the error object's content.
    func call(_ body: (ErrorPlace) -> Int32) throws(DeviceError) {
        var error: OpaquePointer?
        let status = unsafe body(&error)
        try unsafe device.table.check(status, error, "call")
    }

    private func make(_ body: (UnsafeMutablePointer<Handle>, ErrorPlace) -> Int32) throws(DeviceError)
        -> Handle
    {
        var made: Handle = nil
        try unsafe call { unsafe body(&made, $0) }
        return unsafe made
    }

    static func header<Value>(_ kind: Int, _ type: Value.Type) -> heng_header {
        unsafe StructCrossing.header(kind, of: type)
    }

    // MARK: Making

    func context() throws(DeviceError) -> Handle {
        try unsafe make { unsafe table.context_create(device.handle, $0, $1) }
    }

    func stream(
        _ context: Handle, priority: Int32 = 0, work: UInt32 = 0, continues: Bool = false
    ) throws(DeviceError) -> Handle {
        var arguments = unsafe heng_stream_arguments()
        unsafe arguments.header = Sim.header(HENG_KIND_STREAM_ARGUMENTS, heng_stream_arguments.self)
        unsafe arguments.priority = priority
        unsafe arguments.work_milliseconds = work
        unsafe arguments.continues = continues ? 1 : 0
        return try unsafe make { unsafe table.stream_create(context, &arguments, $0, $1) }
    }

    func event(_ context: Handle) throws(DeviceError) -> Handle {
        try unsafe make { unsafe table.event_create(context, $0, $1) }
    }

    static func bytes(_ size: UInt64) -> heng_buffer_arguments {
        var arguments = unsafe heng_buffer_arguments()
        unsafe arguments.header = Sim.header(HENG_KIND_BUFFER_ARGUMENTS, heng_buffer_arguments.self)
        unsafe arguments.size = size
        unsafe arguments.numa_node = -1
        return unsafe arguments
    }

    func buffer(_ context: Handle, _ size: UInt64) throws(DeviceError) -> Handle {
        var arguments = unsafe Sim.bytes(size)
        return try unsafe make { unsafe table.buffer_allocate(context, &arguments, $0, $1) }
    }

    // MARK: Work

    static func range(_ buffer: Handle, _ size: UInt64, offset: UInt64 = 0) -> heng_range {
        unsafe heng_range(buffer: buffer, host: nil, offset: offset, size: size)
    }

    func fill(
        _ stream: Handle, _ buffer: Handle, _ bytes: UInt64, value: UInt8 = 7, correlation: UInt64 = 0
    ) throws(DeviceError) {
        var range = unsafe Sim.range(buffer, bytes)
        try unsafe call { unsafe table.stream_fill(stream, &range, value, bytes, correlation, $0) }
    }

    func copy(
        _ stream: Handle, to: heng_range, from: heng_range, _ bytes: UInt64, correlation: UInt64 = 0
    ) throws(DeviceError) {
        var (to, from) = unsafe (to, from)
        try unsafe call { unsafe table.stream_copy(stream, &to, &from, bytes, correlation, $0) }
    }

    /// The bytes of a buffer, read through the stream.
    func read(_ stream: Handle, _ buffer: Handle, _ count: Int) throws(DeviceError) -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: count)
        var problem: DeviceError?
        unsafe bytes.withUnsafeMutableBytes { room in
            let host = unsafe heng_range(
                buffer: nil, host: room.baseAddress, offset: 0, size: UInt64(count))
            do throws(DeviceError) {
                try unsafe copy(stream, to: host, from: Sim.range(buffer, UInt64(count)), UInt64(count))
                try unsafe synchronize(stream)
            } catch { problem = error }
        }
        if let problem { throw problem }
        return bytes
    }

    func record(_ event: Handle, _ stream: Handle) throws(DeviceError) {
        try unsafe call { unsafe table.event_record(event, stream, 0, $0) }
    }
    func wait(_ stream: Handle, for event: Handle) throws(DeviceError) {
        try unsafe call { unsafe table.stream_wait_event(stream, event, 0, $0) }
    }
    func synchronize(_ stream: Handle, _ milliseconds: Int32 = -1) throws(DeviceError) {
        try unsafe call { unsafe table.stream_synchronize(stream, milliseconds, $0) }
    }
    func synchronize(event: Handle, _ milliseconds: Int32 = -1) throws(DeviceError) {
        try unsafe call { unsafe table.event_synchronize(event, milliseconds, $0) }
    }
    func abort(_ stream: Handle) throws(DeviceError) {
        try unsafe call { unsafe table.stream_abort(stream, $0) }
    }
    func rebuild(_ context: Handle) throws(DeviceError) {
        try unsafe call { unsafe table.context_rebuild(context, $0) }
    }

    // MARK: Questions

    func isDone(_ stream: Handle) throws(DeviceError) -> Bool {
        var done: UInt8 = 0
        try unsafe call { unsafe table.stream_query(stream, &done, $0) }
        return done != 0
    }
    func isDone(event: Handle) throws(DeviceError) -> Bool {
        var done: UInt8 = 0
        try unsafe call { unsafe table.event_query(event, &done, $0) }
        return done != 0
    }
    /// The device's clock in nanoseconds.
    func clock() throws(DeviceError) -> Int64 {
        var (own, host): (Int64, Int64) = (0, 0)
        try unsafe call { unsafe table.device_clock(device.handle, &own, &host, $0) }
        return own
    }
    func nanoseconds(from start: Handle, to end: Handle) throws(DeviceError) -> Int64 {
        var milliseconds = 0.0
        try unsafe call { unsafe table.event_elapsed(start, end, &milliseconds, $0) }
        return Int64((milliseconds * 1e6).rounded())
    }
    func memory(_ context: Handle) throws(DeviceError) -> heng_memory_info {
        var info = unsafe heng_memory_info()
        unsafe info.header = Sim.header(HENG_KIND_MEMORY_INFO, heng_memory_info.self)
        try unsafe call { unsafe table.context_memory_info(context, &info, $0) }
        return unsafe info
    }
    func status() throws(DeviceError) -> heng_device_status {
        var status = unsafe heng_device_status()
        unsafe status.header = Sim.header(HENG_KIND_DEVICE_STATUS, heng_device_status.self)
        try unsafe call { unsafe table.device_status(device.handle, &status, $0) }
        return unsafe status
    }
    /// The rebuilds of a context, and what broke it.
    func state(_ context: Handle) throws(DeviceError) -> (epoch: UInt64, cause: DeviceError?) {
        var epoch: UInt64 = 0
        var cause: OpaquePointer?
        try unsafe call { unsafe table.context_state(context, &epoch, &cause, $0) }
        guard unsafe cause != nil else { return (epoch, nil) }
        do throws(DeviceError) { try unsafe device.table.check(-1, cause, "state") } catch {
            return (epoch, error)
        }
        return (epoch, nil)
    }

    // MARK: Ends

    /// Destroys objects in the order that the header wants; whatever their work had failed with.
    func end(
        _ context: Handle, streams: [Handle]? = nil, events: [Handle]? = nil, buffers: [Handle]? = nil
    ) throws(DeviceError) {
        let (streams, events, buffers) = unsafe (streams ?? [], events ?? [], buffers ?? [])
        for index in unsafe events.indices {
            try unsafe call { unsafe table.event_destroy(events[index], $0) }
        }
        for index in unsafe buffers.indices {
            try unsafe call { unsafe table.buffer_free(buffers[index], $0) }
        }
        for index in unsafe streams.indices { _ = unsafe table.stream_destroy(streams[index], nil) }
        try unsafe call { unsafe table.context_destroy(context, $0) }
    }
}

/// The error that the body throws.
func failure(
    _ body: () throws(DeviceError) -> Void, _ location: SourceLocation = #_sourceLocation
) throws -> DeviceError {
    do throws(DeviceError) { try body() } catch { return error }
    Issue.record("nothing was thrown", sourceLocation: location)
    throw NothingThrown()
}

struct NothingThrown: Error {}
