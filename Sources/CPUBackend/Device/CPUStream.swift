internal import AcceleratorAPI
internal import CHengAccelerator
internal import CLinux
internal import Essentials
internal import Synchronization

#if canImport(Glibc)
internal import Glibc
#endif

/// A stream of the CPU device: a ring of commands, and a thread of its own that runs them in order.
@safe final class CPUStream: @unchecked Sendable {
    // Unchecked: everything that changes is atomic or locked.
    let context: CPUContext
    let cpus: CPUSet
    let ring: CommandRing
    let concurrency: Int
    /// Unique in the process, for profile records.
    let number = CPUStream.numbers.wrappingAdd(1, ordering: .relaxed).newValue
    /// The worker's `pthread_t`.
    private let worker = Atomic<UInt>(0)
    let failures: StreamFailures
    /// Where submissions go instead of the ring, while they are recorded.
    let recording = Mutex<CPURecording?>(nil)
    let isRecording = Atomic<Bool>(false)

    private static let numbers = Atomic<UInt64>(0)

    init(in context: CPUContext, cpus: CPUSet, options: StreamOptions = StreamOptions()) throws(DeviceError) {
        self.context = context
        self.cpus = cpus
        failures = StreamFailures(options, device: context.device.name)
        concurrency = min(cpus.count, ProcessorBudget.current.threads)
        ring = CommandRing(concurrency: concurrency)
        let body = unsafe Unmanaged.passRetained(self)
        var thread: pthread_t = 0
        let status = PinnedThread.start(name: "heng-stream", cpus: cpus, handle: &thread) {
            unsafe body.takeRetainedValue().run()
        }
        guard status == 0 else {
            unsafe body.release()
            throw DeviceError(
                .outOfStreams, operation: "stream_create",
                text: "The system starts no further thread for a stream on \(context.device.name).",
                nativeCode: Int(status))
        }
        worker.store(UInt(thread), ordering: .relaxed)
    }

    /// Whether the caller is this stream's own thread, which may not wait for itself.
    var isCurrent: Bool { pthread_self() == pthread_t(worker.load(ordering: .relaxed)) }

    /// Waits for everything submitted so far; negative nanoseconds wait for ever.
    func synchronize(nanoseconds: Int64) throws(DeviceError) {
        guard !isCurrent else { throw selfWait("stream_synchronize") }
        try refuseWhileRecording("stream_synchronize")
        let done = wait(until: ring.submitted, nanoseconds: nanoseconds)
        if let failure = failures.report() { throw failure }
        guard done else {
            throw DeviceError(
                .timeout, operation: "stream_synchronize",
                text:
                    "Work in a stream of \(context.device.name) is not done after \(nanoseconds / 1_000_000) ms.",
                isRetriable: true)
        }
    }

    /// Waits for a count of commands, and looks meanwhile whether one of them runs longer than it may.
    private func wait(until target: UInt64, nanoseconds: Int64) -> Bool {
        guard let limit = failures.workLimit else {
            return ring.wait(until: target, nanoseconds: nanoseconds)
        }
        let deadline = nanoseconds < 0 ? Int64.max : TimePoint.monotonicNow().nanoseconds + nanoseconds
        while true {
            let left = deadline == .max ? limit : deadline - TimePoint.monotonicNow().nanoseconds
            if ring.wait(until: target, nanoseconds: max(0, min(left, limit / 4 + 1))) { return true }
            failures.checkRunningWork()
            if failures.isFailed { return true }
            if left <= 0 { return false }
        }
    }

    /// Whether all submitted work is done; throws the failure.
    func query() throws(DeviceError) -> Bool {
        failures.checkRunningWork()
        if let failure = failures.report() { throw failure }
        return ring.finished >= ring.submitted
    }

    /// Drops what has not begun and waits for what runs; the stream has failed then.
    func abort() throws(DeviceError) {
        guard !isCurrent else { throw selfWait("stream_abort") }
        failures.fail(
            DeviceError(
                .cancelled, scope: .stream, operation: "stream_abort",
                text: "The work of a stream of \(context.device.name) was aborted."), always: true)
        _ = ring.wait(until: ring.submitted, nanoseconds: -1)
    }

    /// Lets the work finish, ends the thread, and throws what the work had failed with.
    func close() throws(DeviceError) {
        guard !isCurrent else { throw selfWait("stream_destroy") }
        _ = ring.push(mayWait: true) { slot in slot.kind = CommandKind.stop.rawValue }
        pthread_join(pthread_t(worker.load(ordering: .relaxed)), nil)
        if let failure = failures.report() { throw failure }
    }

    func refuseWhileRecording(_ operation: String) throws(DeviceError) {
        guard isRecording.load(ordering: .relaxed) else { return }
        throw DeviceError(
            .misuse, operation: operation,
            text: "\(operation) cannot be recorded; end the recording of this stream first.")
    }

    private func selfWait(_ operation: String) -> DeviceError {
        DeviceError(
            .misuse, operation: operation,
            text: "A host function of a stream of \(context.device.name) waits for its own stream.")
    }
}

// MARK: - Submission

extension CPUStream {
    /// Puts a command into the ring, or into the recording; refuses when the stream has failed.
    @inline(__always)
    private func submit(
        _ kind: CommandKind, _ correlation: UInt64, _ operation: StaticString, _ write: (CommandSlot) -> Void
    ) throws(DeviceError) {
        if failures.isFailed, let failure = failures.report() { throw failure }
        if isRecording.load(ordering: .relaxed) { return keep(kind, correlation, write) }
        let isIn = ring.push(mayWait: !isCurrent) { slot in
            slot.kind = kind.rawValue
            slot.correlation = correlation
            write(slot)
        }
        guard isIn else { throw fullRing(operation) }
    }

    @inline(never)
    private func keep(_ kind: CommandKind, _ correlation: UInt64, _ write: (CommandSlot) -> Void) {
        recording.withLock { $0?.append(kind, correlation, write) }
    }

    @inline(never)
    private func fullRing(_ operation: StaticString) -> DeviceError {
        DeviceError(
            .misuse, operation: "\(operation)",
            text:
                "A host function submitted more to its own stream than the stream holds (\(CommandRing.capacity))."
        )
    }

    @inline(__always)
    func launch(
        _ kind: CommandKind, _ function: UInt, _ arguments: UnsafeRawPointer?, _ size: Int,
        _ correlation: UInt64
    ) throws(DeviceError) {
        try submit(kind, correlation, "stream_launch") { slot in
            slot.word0 = function
            if size > 0, let arguments = unsafe arguments {
                unsafe slot.arguments.copyMemory(from: arguments, byteCount: size)
            }
        }
    }

    func copy(
        to destination: UnsafeMutableRawPointer, from source: UnsafeRawPointer, bytes: Int,
        _ correlation: UInt64
    ) throws(DeviceError) {
        try submit(.copy, correlation, "stream_copy") { slot in
            slot.word0 = UInt(bitPattern: destination)
            slot.word1 = UInt(bitPattern: source)
            slot.word2 = UInt(bitPattern: bytes)
        }
    }

    func copyBlock(_ block: BlockCopy, _ correlation: UInt64) throws(DeviceError) {
        try submit(.copyBlock, correlation, "stream_copy_block") { slot in
            unsafe slot.arguments.storeBytes(of: block, as: BlockCopy.self)
        }
    }

    func fill(
        _ destination: UnsafeMutableRawPointer, value: UInt8, bytes: Int, _ correlation: UInt64
    ) throws(DeviceError) {
        try submit(.fill, correlation, "stream_fill") { slot in
            slot.word0 = UInt(bitPattern: destination)
            slot.word1 = UInt(value)
            slot.word2 = UInt(bitPattern: bytes)
        }
    }

    /// Frees a buffer when the work so far is done, also when the stream fails meanwhile.
    func free(_ buffer: OpaquePointer) throws(DeviceError) {
        try refuseWhileRecording("stream_free")
        let isIn = ring.push(mayWait: !isCurrent) { slot in
            slot.kind = CommandKind.free.rawValue
            slot.correlation = 0
            slot.word0 = UInt(bitPattern: buffer)
        }
        guard isIn else { throw fullRing("stream_free") }
    }

    /// Puts a name into the profile, in stream order.
    func annotate(_ kind: CommandKind, _ name: String, _ correlation: UInt64) throws(DeviceError) {
        try submit(kind, correlation, "range_begin") { slot in
            let bytes = unsafe UnsafeMutableRawBufferPointer(
                start: slot.arguments, count: ProfileLog.nameLimit)
            let text = name.utf8.prefix(ProfileLog.nameLimit - 1)
            unsafe bytes.copyBytes(from: text)
            unsafe bytes[text.count] = 0
        }
    }

    /// Runs a recording's commands in this stream's order.
    func replay(_ commands: CPURecording, _ correlation: UInt64) throws(DeviceError) {
        try refuseWhileRecording("recording_submit")
        try submit(.replay, correlation, "recording_submit") { slot in
            slot.word0 = unsafe UInt(bitPattern: Unmanaged.passRetained(commands).toOpaque())
        }
    }

    func record(_ event: CPUEvent, _ correlation: UInt64) throws(DeviceError) {
        try refuseWhileRecording("event_record")
        if failures.isFailed, let failure = failures.report() { throw failure }
        let number = event.nextRecord()
        // A record that got its number must happen, or those who wait for it would wait for ever; so it goes in
        // even if the stream fails meanwhile, and then carries the failure.
        let isIn = ring.push(mayWait: !isCurrent) { slot in
            slot.kind = CommandKind.record.rawValue
            slot.correlation = correlation
            slot.word0 = unsafe UInt(bitPattern: Unmanaged.passRetained(event).toOpaque())
            slot.word1 = UInt(number)
        }
        guard isIn else {
            let error = fullRing("event_record")
            event.happen(number, at: TimePoint.monotonicNow().nanoseconds, failure: error)
            throw error
        }
    }

    func wait(for event: CPUEvent, _ correlation: UInt64) throws(DeviceError) {
        try refuseWhileRecording("stream_wait_event")
        let number = event.submitted
        guard number > 0 else {
            throw DeviceError(
                .eventNotRecorded, operation: "stream_wait_event",
                text: "A stream of \(context.device.name) would wait for an event that no stream records.")
        }
        event.addWait()
        do throws(DeviceError) {
            try submit(.waitEvent, correlation, "stream_wait_event") { slot in
                slot.word0 = unsafe UInt(bitPattern: Unmanaged.passRetained(event).toOpaque())
                slot.word1 = UInt(number)
            }
        } catch {
            event.endWait()
            throw error
        }
    }
}
