internal import CHengAccelerator
internal import Essentials

/// Work that a stream kept instead of running, to be run many times with one call.
@safe package final class DeviceRecording: @unchecked Sendable {
    // Unchecked: the handle never changes, and any thread may submit it.
    private let core: ContextCore
    private let group: heng_recording_table
    private let handle: OpaquePointer

    /// Records what the body submits to the stream.
    ///
    /// Throws `unsupported` where the device has no recordings, and what the body throws after the recording has ended.
    package init(
        of stream: borrowing DeviceStream, _ body: (borrowing DeviceStream) throws -> Void
    ) throws {
        let table = stream.core.table
        guard let group = unsafe DeviceRecording.functions(of: table) else {
            throw DeviceError(
                .unsupported, operation: "recording_begin",
                text: "The backend \(table.name) has no recordings.")
        }
        try unsafe table.call(group.recording_begin, "recording_begin") { unsafe $0(stream.handle, $1) }
        let result = Result { try body(stream) }
        var handle: OpaquePointer?
        try unsafe table.call(group.recording_end, "recording_end") {
            unsafe $0(stream.handle, &handle, $1)
        }
        unsafe self.handle = try unsafe made(handle, "recording_end", table)
        unsafe self.group = unsafe group
        core = stream.core
        try result.get()
    }

    deinit { _ = unsafe group.recording_destroy?(handle, nil) }

    private static func functions(of table: DeviceTable) -> heng_recording_table? {
        guard let found = unsafe table.group(HENG_KIND_RECORDING_TABLE) else { return nil }
        return unsafe StructCrossing.read(
            UnsafeRawPointer(found).assumingMemoryBound(to: heng_recording_table.self),
            zero: heng_recording_table())
    }

    /// How many pieces of work it holds.
    package func count() throws(DeviceError) -> Int {
        var count: UInt64 = 0
        try unsafe core.table.call(group.recording_count, "recording_count") {
            unsafe $0(handle, &count, $1)
        }
        return Int(clamping: count)
    }

    /// Runs all of it in the stream's order; it must live until that is done.
    package func submit(to stream: borrowing DeviceStream, correlation: UInt64 = 0) throws(DeviceError) {
        try unsafe core.table.call(group.recording_submit, "recording_submit") {
            unsafe $0(handle, stream.handle, correlation, $1)
        }
    }
}
