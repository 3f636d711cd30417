internal import CHengAccelerator
internal import Essentials

/// A point in a stream that others wait for and read the time of.
///
/// An event is recorded by `DeviceStream.record`. Calls may come from any thread, but recording it from several
/// at once is the caller's to serialise.
@safe package struct DeviceEvent: ~Copyable, @unchecked Sendable {
    // Unchecked: the handle never changes, and the table allows any thread for queries and waits.
    package let handle: OpaquePointer
    let core: ContextCore

    init(in core: ContextCore) throws(DeviceError) {
        let table = core.table
        var handle: OpaquePointer?
        try unsafe table.call(table.functions.pointee.event_create, "event_create") {
            unsafe $0(core.handle, &handle, $1)
        }
        unsafe self.handle = try unsafe made(handle, "event_create", table)
        self.core = core
    }

    deinit { _ = unsafe core.table.functions.pointee.event_destroy?(handle, nil) }

    /// Whether the latest record has happened.
    package borrowing func isComplete() throws(DeviceError) -> Bool {
        var complete: UInt8 = 0
        try unsafe core.table.call(core.table.functions.pointee.event_query, "event_query") {
            unsafe $0(handle, &complete, $1)
        }
        return complete != 0
    }

    /// Waits until the latest record has happened: for ever, or at most so long (then `timeout` is thrown).
    ///
    /// Blocks the thread; a limit of zero only looks.
    package borrowing func synchronize(timeout: Duration? = nil) throws(DeviceError) {
        let table = core.table
        let limit = tableMilliseconds(timeout)
        try unsafe table.call(table.functions.pointee.event_synchronize, "event_synchronize") {
            unsafe $0(handle, limit, $1)
        }
    }

    /// The time from `start`'s record to this event's, in milliseconds; negative when this one came first.
    package borrowing func milliseconds(since start: borrowing DeviceEvent) throws(DeviceError) -> Double {
        let table = core.table
        var elapsed = 0.0
        try unsafe table.call(table.functions.pointee.event_elapsed, "event_elapsed") {
            unsafe $0(start.handle, handle, &elapsed, $1)
        }
        return elapsed
    }
}
