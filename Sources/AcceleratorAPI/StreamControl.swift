internal import CHengAccelerator
package import Essentials

// What devices may leave out: each call throws `unsupported` where the device has no such function.
extension DeviceStream {
    /// Whether all work submitted so far is done; throws the failure of what failed.
    package borrowing func isIdle() throws(DeviceError) -> Bool {
        let table = core.table
        var idle: UInt8 = 0
        try unsafe table.call(table.functions.pointee.stream_query, "stream_query") {
            unsafe $0(handle, &idle, $1)
        }
        return idle != 0
    }

    /// Drops the work that has not begun and waits for what runs; the stream has failed with `cancelled` then.
    package borrowing func abort() throws(DeviceError) {
        let table = core.table
        try unsafe table.call(table.functions.pointee.stream_abort, "stream_abort") {
            unsafe $0(handle, $1)
        }
    }

    /// Copies `rows` rows of `width` bytes in each of `planes` planes, between blocks with pitches of their own.
    package borrowing func copyBlock(
        from source: DeviceBlock, to destination: DeviceBlock, width: Int, rows: Int, planes: Int = 1,
        correlation: UInt64 = 0
    ) throws(DeviceError) {
        let table = core.table
        var (to, from) = unsafe (destination.raw, source.raw)
        try unsafe table.call(table.functions.pointee.stream_copy_block, "stream_copy_block") {
            unsafe $0(
                handle, &to, &from, UInt64(max(0, width)), UInt64(max(0, rows)), UInt64(max(0, planes)),
                correlation, $1)
        }
    }
}

/// A part of a buffer as rows and planes that lie apart, by their distances in bytes.
package struct DeviceBlock: Sendable {
    package var view: DeviceBufferView
    package var rowPitch: Int
    package var planePitch: Int

    package init(_ view: DeviceBufferView, rowPitch: Int, planePitch: Int = 0) {
        self.view = view
        self.rowPitch = rowPitch
        self.planePitch = planePitch
    }

    fileprivate var raw: heng_block {
        unsafe heng_block(
            range: view.range, row_pitch: UInt64(max(0, rowPitch)), plane_pitch: UInt64(max(0, planePitch)))
    }
}

extension DeviceEvent {
    /// Forgets the latest record, which must have happened: the event is as newly made.
    package borrowing func reset() throws(DeviceError) {
        let table = core.table
        try unsafe table.call(table.functions.pointee.event_reset, "event_reset") { unsafe $0(handle, $1) }
    }

    /// Whether no stream still has to pass a wait for this event.
    package borrowing func hasNoWaits() throws(DeviceError) -> Bool {
        let table = core.table
        var complete: UInt8 = 0
        try unsafe table.call(table.functions.pointee.event_query_waits, "event_query_waits") {
            unsafe $0(handle, &complete, $1)
        }
        return complete != 0
    }
}

extension DeviceContext {
    /// Sets how much freed memory is kept for reuse at most.
    package borrowing func keepMemory(atMost bytes: ByteCount) throws(DeviceError) {
        let table = core.table
        try unsafe table.call(table.functions.pointee.context_keep_memory, "context_keep_memory") {
            unsafe $0(core.handle, UInt64(max(0, bytes.bytes)), $1)
        }
    }

    /// How often the context was rebuilt, and the error that broke it since; nil while it works.
    package borrowing func state() throws(DeviceError) -> (epoch: UInt64, cause: DeviceError?) {
        let table = core.table
        var epoch: UInt64 = 0
        var found: OpaquePointer?
        try unsafe table.call(table.functions.pointee.context_state, "context_state") {
            unsafe $0(core.handle, &epoch, &found, $1)
        }
        guard let found = unsafe found else { return (epoch, nil) }
        do throws(DeviceError) {
            try unsafe table.check(DeviceError.Code.general.rawValue, found, "context_state")
        } catch { return (epoch, error) }
        return (epoch, nil)
    }

    /// Makes a broken context work again; what was made in it before can only be destroyed.
    package borrowing func rebuild() throws(DeviceError) {
        let table = core.table
        try unsafe table.call(table.functions.pointee.context_rebuild, "context_rebuild") {
            unsafe $0(core.handle, $1)
        }
    }
}
