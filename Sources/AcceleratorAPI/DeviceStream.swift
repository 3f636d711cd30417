internal import CHengAccelerator
internal import Essentials

private typealias LaunchFunction =
    @convention(c) (OpaquePointer?, heng_host_function?, UnsafeRawPointer?, UInt32, UInt64, ErrorPlace?) ->
    Int32

/// An ordered lane of work on a device.
///
/// Work is submitted without waiting and runs in the order of submission. Submission from several threads is
/// safe; their order among each other is then the callers' business. What submitted work reads and writes must
/// stay alive until `synchronize` or an event says it is done. After work has failed, every call throws that
/// failure (scope `stream`), and later work is not run.
@safe package struct DeviceStream: ~Copyable, @unchecked Sendable {
    // Unchecked: the handle never changes; the table allows any thread for what a borrowed stream can do.
    package let handle: OpaquePointer
    let core: ContextCore
    /// Kept here, so that a launch costs one load less.
    private let launchFunction: LaunchFunction?

    init(in core: ContextCore, options: StreamOptions) throws(DeviceError) {
        let table = core.table
        unsafe launchFunction = unsafe table.functions.pointee.stream_launch
        unsafe handle = try unsafe DeviceStream.create(in: core, options)
        self.core = core
    }

    /// Whether `close` has destroyed the handle already, or somebody else will.
    private var isClosed = false

    /// A stream of somebody else's, who keeps it alive.
    init(lending handle: OpaquePointer, in core: ContextCore) {
        unsafe launchFunction = unsafe core.table.functions.pointee.stream_launch
        unsafe self.handle = unsafe handle
        self.core = core
        isClosed = true
    }

    deinit {
        if !isClosed { _ = unsafe core.table.functions.pointee.stream_destroy?(handle, nil) }
    }

    /// The device whose work this is.
    package var device: Device { core.device }

    private static func create(
        in core: ContextCore, _ options: StreamOptions
    ) throws(DeviceError) -> OpaquePointer {
        let table = core.table
        var handle: OpaquePointer?
        let numbers = options.cpus?.units.map { UInt32($0) } ?? []
        try unsafe table.call(table.functions.pointee.stream_create, "stream_create") { function, error in
            unsafe numbers.withUnsafeBufferPointer { numbers in
                var arguments = unsafe heng_stream_arguments()
                unsafe arguments.header =
                    StructCrossing.header(HENG_KIND_STREAM_ARGUMENTS, of: heng_stream_arguments.self)
                unsafe arguments.cpus = numbers.baseAddress
                unsafe arguments.cpu_count = UInt64(numbers.count)
                unsafe arguments.priority = Int32(clamping: options.priority)
                unsafe arguments.work_milliseconds = UInt32(
                    options.workLimit.map { max(1, tableMilliseconds($0)) } ?? 0)
                unsafe arguments.continues = options.continues ? 1 : 0
                return unsafe function(core.handle, &arguments, &handle, error)
            }
        }
        return try unsafe made(handle, "stream_create", table)
    }
}

extension DeviceStream {
    /// Runs a C function in stream order, on a thread of the device's.
    ///
    /// The argument bytes (at most 256) are copied before the call returns; the function gets its stream's copy,
    /// aligned to 16. What they point to must live until it has run.
    package borrowing func launch(
        _ function: @convention(c) (UnsafeRawPointer) -> Void, arguments: UnsafeRawBufferPointer,
        correlation: UInt64 = 0
    ) throws(DeviceError) {
        // The table's type has an optional pointer where ours has none; the pointer passed is never null.
        let plain = unsafe unsafeBitCast(function, to: heng_host_function.self)
        try unsafe core.table.call(launchFunction, "stream_launch") {
            unsafe $0(
                handle, plain, arguments.baseAddress, UInt32(clamping: arguments.count), correlation, $1)
        }
    }

    /// Runs a C function that may fail: a result other than 0 makes the stream fail with that native code.
    package borrowing func launchFallible(
        _ function: @convention(c) (UnsafeRawPointer) -> Int32, arguments: UnsafeRawBufferPointer,
        correlation: UInt64 = 0
    ) throws(DeviceError) {
        let table = core.table
        let plain = unsafe unsafeBitCast(function, to: heng_fallible_host_function.self)
        try unsafe table.call(table.functions.pointee.stream_launch_fallible, "stream_launch_fallible") {
            unsafe $0(
                handle, plain, arguments.baseAddress, UInt32(clamping: arguments.count), correlation, $1)
        }
    }

    /// Runs a C function with one plain value as its arguments.
    @inlinable @inline(__always)
    package borrowing func launch<Arguments: BitwiseCopyable>(
        _ function: @convention(c) (UnsafeRawPointer) -> Void, with arguments: Arguments,
        correlation: UInt64 = 0
    ) throws(DeviceError) {
        try unsafe withUnsafeBytes(of: arguments) { bytes throws(DeviceError) in
            try unsafe launch(function, arguments: bytes, correlation: correlation)
        }
    }

    /// Makes later work of this stream wait for the event's latest record.
    package borrowing func wait(
        for event: borrowing DeviceEvent, correlation: UInt64 = 0
    ) throws(DeviceError) {
        let table = core.table
        try unsafe table.call(table.functions.pointee.stream_wait_event, "stream_wait_event") {
            unsafe $0(handle, event.handle, correlation, $1)
        }
    }

    /// Records the event when all work submitted so far is done.
    package borrowing func record(
        _ event: borrowing DeviceEvent, correlation: UInt64 = 0
    ) throws(DeviceError) {
        let table = core.table
        try unsafe table.call(table.functions.pointee.event_record, "event_record") {
            unsafe $0(event.handle, handle, correlation, $1)
        }
    }

    /// Waits until all work submitted so far is done: for ever, or at most so long (then `timeout` is thrown).
    ///
    /// Blocks the thread; a limit of zero only looks. Whole milliseconds count, rounded up.
    package borrowing func synchronize(timeout: Duration? = nil) throws(DeviceError) {
        let table = core.table
        let limit = tableMilliseconds(timeout)
        try unsafe table.call(table.functions.pointee.stream_synchronize, "stream_synchronize") {
            unsafe $0(handle, limit, $1)
        }
    }

    /// Ends the stream after its work, and reports what `deinit` would have to keep to itself.
    package consuming func close() throws(DeviceError) {
        var closing = self
        let table = closing.core.table
        closing.isClosed = true
        try unsafe table.call(table.functions.pointee.stream_destroy, "stream_destroy") {
            unsafe $0(closing.handle, $1)
        }
    }
}

/// A limit in the table's form: -1 for ever, else whole milliseconds, rounded up.
func tableMilliseconds(_ timeout: Duration?) -> Int32 {
    guard let timeout else { return -1 }
    return Int32(clamping: max(0, (timeout.nanoseconds + 999_999) / 1_000_000))
}

extension DeviceStream {
    /// Copies as many bytes as the source has; a destination with less room is `outOfRange`.
    package borrowing func copy(
        from source: DeviceBufferView, to destination: DeviceBufferView, correlation: UInt64 = 0
    ) throws(DeviceError) {
        try unsafe copy(source.range, destination.range, bytes: source.size, correlation)
    }

    /// Copies host memory into a device's; the host memory must stay as it is until the copy is done.
    package borrowing func copy(
        from source: UnsafeRawBufferPointer, to destination: DeviceBufferView, correlation: UInt64 = 0
    ) throws(DeviceError) {
        try unsafe copy(hostRange(source), destination.range, bytes: source.count, correlation)
    }

    /// Copies a device's memory into the host's; the host memory must be left alone until the copy is done.
    package borrowing func copy(
        from source: DeviceBufferView, to destination: UnsafeMutableRawBufferPointer,
        correlation: UInt64 = 0
    ) throws(DeviceError) {
        try unsafe copy(
            source.range, hostRange(UnsafeRawBufferPointer(destination)), bytes: source.size, correlation)
    }

    /// Sets every byte of the view.
    package borrowing func fill(
        _ destination: DeviceBufferView, with value: UInt8, correlation: UInt64 = 0
    ) throws(DeviceError) {
        let table = core.table
        var range = unsafe destination.range
        try unsafe table.call(table.functions.pointee.stream_fill, "stream_fill") {
            unsafe $0(handle, &range, value, UInt64(destination.size), correlation, $1)
        }
    }

    private borrowing func copy(
        _ source: heng_range, _ destination: heng_range, bytes: Int, _ correlation: UInt64
    ) throws(DeviceError) {
        let table = core.table
        var source = unsafe source
        var destination = unsafe destination
        try unsafe table.call(table.functions.pointee.stream_copy, "stream_copy") {
            unsafe $0(handle, &destination, &source, UInt64(bytes), correlation, $1)
        }
    }
}

private func hostRange(_ bytes: UnsafeRawBufferPointer) -> heng_range {
    unsafe heng_range(
        buffer: nil, host: UnsafeMutableRawPointer(mutating: bytes.baseAddress), offset: 0,
        size: UInt64(bytes.count))
}
