internal import AcceleratorAPI
internal import CHengAccelerator
internal import COpenCL
internal import Essentials
internal import Synchronization

#if canImport(Glibc)
internal import Glibc
#endif

/// A stream of an OpenCL device: an in-order queue of OpenCL, and what OpenCL's queues cannot do.
///
/// What OpenCL can run goes into its queue on the caller's thread. A function of the host, or a wait for an event that
/// OpenCL does not know yet, is left to a thread of the stream; what comes behind it is kept until that is done,
/// and the stream returns to the direct way when nothing is kept any more.
@safe final class OpenCLStream: @unchecked Sendable {
    // Unchecked: all that changes is under the monitor.
    let context: OpenCLContext
    /// Unique in the process.
    let number: UInt64
    private let queue: UInt
    private let monitor = Monitor()

    struct Submission: Sendable {
        var command: StreamCommand
        var correlation: UInt64
    }

    /// What OpenCL has and we have not seen the end of.
    private struct Pending {
        var event: UInt
        var sequence: UInt64
        var correlation: UInt64
        var profile: (kind: Int32, name: String, bytes: Int)?
        var rangeStart: UInt = 0
        var waitsFor: EventRecord?
    }

    private var pending: [Pending] = []
    /// How many of `pending`, from its start, are dealt with.
    private var reaped = 0
    private var kept: [Submission] = []
    private var keptStart = 0
    /// How many submissions were ever kept, and how many of those are dealt with.
    private var keptCount: UInt64 = 0
    private var keptDone: UInt64 = 0
    private var isKeeping = false
    private var sequence: UInt64 = 0
    /// A lock of its own, below all others: records of events look at it with theirs held.
    private let failure = Mutex<(error: DeviceError, sequence: UInt64)?>(nil)
    private var recording: [Submission]?
    private var ranges: [(name: String, correlation: UInt64, start: UInt)] = []
    private var worker: pthread_t?
    private var isStopping = false

    init(in context: OpenCLContext) throws(DeviceError) {
        let made = opencl_queue(context.raw, context.device.raw)
        if made.status == -5 || made.status == -6 {
            throw OpenCLStatus.outOfStreams(made.status, context.device.facts.name)
        }
        queue = try made.get("stream_create", "No queue on \(context.device.facts.name)")
        self.context = context
        number = StreamNumbers.next()
        context.living.count(\.streams, 1)
        context.device.add(self)
    }

    deinit {
        // Records of events hold the stream: PoCL looks at an event's queue when the event is released.
        _ = opencl_release_queue(queue)
    }

    /// Whether the caller is this stream's own thread, inside a function of the host.
    var isCurrent: Bool {
        monitor.locked { worker.map { pthread_equal($0, pthread_self()) != 0 } ?? false }
    }

    /// The known failure of work before that number, if any.
    func failure(before number: UInt64) -> DeviceError? {
        guard let failed, failed.sequence <= number else { return nil }
        return failed.error
    }

    private var failed: (error: DeviceError, sequence: UInt64)? { failure.withLock { $0 } }
}

// MARK: - Submission

extension OpenCLStream {
    func submit(_ command: StreamCommand, _ correlation: UInt64, _ operation: String) throws(DeviceError) {
        monitor.lock()
        defer { monitor.unlock() }
        if let failed { throw failed.error }
        if recording != nil {
            guard command.isRecordable else {
                throw DeviceError(
                    .misuse, operation: operation, text: "\(operation) cannot be part of a recording.")
            }
            recording?.append(Submission(command: command, correlation: correlation))
            return
        }
        guard isKeeping || !command.isImmediate else {
            let status = issue(command, correlation)
            if status != 0 {
                throw OpenCLStatus.error(
                    status, operation, "\(context.device.facts.name) refused work", correlation: correlation)
            }
            return
        }
        try keep(Submission(command: command, correlation: correlation), operation)
    }

    private func keep(_ submission: Submission, _ operation: String) throws(DeviceError) {
        if worker == nil { try startWorker(operation) }
        if case .wait(let record) = submission.command { record.waitIsSubmitted() }
        kept.append(submission)
        keptCount += 1
        isKeeping = true
        monitor.wakeAll()
    }

    /// Hands work to OpenCL, with the monitor held; 0 or OpenCL's code.
    private func issue(_ command: StreamCommand, _ correlation: UInt64) -> Int32 {
        if pending.count - reaped >= 64 { reap() }
        var waitsFor: EventRecord?
        var rangeStart: UInt = 0
        let made: opencl_made
        switch command {
        case .kernel(let launch): made = launch.kernel.enqueue(queue, launch.arguments, launch.range)
        case .copy(let to, let toOffset, let from, let fromOffset, let bytes):
            made = opencl_enqueue_copy(
                queue, to, UInt64(toOffset), from, UInt64(fromOffset), UInt64(bytes))
        case .read(let target, let from, let offset, let bytes):
            made = unsafe opencl_enqueue_read(queue, from, UInt64(offset), UInt64(bytes), target)
        case .write(let source, let to, let offset, let bytes):
            made = unsafe opencl_enqueue_write(queue, to, UInt64(offset), UInt64(bytes), source)
        case .block(var block): made = unsafe opencl_enqueue_block(queue, &block)
        case .fill(let memory, let offset, let bytes, let value):
            made = opencl_enqueue_fill(queue, memory, UInt64(offset), UInt64(bytes), value)
        case .record(let record, let before): return issue(record, after: before)
        case .wait(let record):
            // A stream's own record comes before in any case.
            let marker = record.markerToWaitFor()
            defer { if marker != 0 { _ = opencl_release_event(marker) } }
            if marker == 0 {
                if let failure = record.failure { fail(failure) }
                return 0
            }
            made = opencl_enqueue_barrier(queue, marker)
            waitsFor = record
        case .free(let buffer):
            buffer.free()
            return 0
        case .rangeBegin(let name):
            made = opencl_enqueue_marker(queue, 0)
            if made.status == 0 { ranges.append((name, correlation, made.handle)) }
            return made.status
        case .rangeEnd:
            guard let range = ranges.popLast() else { return -30 }
            made = opencl_enqueue_marker(queue, 0)
            rangeStart = range.start
            guard made.status == 0 else {
                _ = opencl_release_event(rangeStart)
                return made.status
            }
            append(
                made.handle, range.correlation, (Int32(HENG_RECORD_RANGE), range.name, 0),
                rangeStart: rangeStart)
            return 0
        case .mark: made = opencl_enqueue_marker(queue, 0)
        case .hostCopy, .hostBlock, .hostFill, .hostFunction:
            preconditionFailure("work for the stream's thread went to OpenCL")
        }
        guard made.status == 0 else { return made.status }
        if let waitsFor {
            waitsFor.waitIsSubmitted()
            waitsFor.waitIsIssued(barrier: made.handle, in: self)
        }
        append(made.handle, correlation, context.profile.isOn ? command.profile : nil, waitsFor: waitsFor)
        return 0
    }

    private func append(
        _ event: UInt, _ correlation: UInt64, _ profile: (kind: Int32, name: String, bytes: Int)?,
        rangeStart: UInt = 0, waitsFor: EventRecord? = nil
    ) {
        sequence += 1
        pending.append(
            Pending(
                event: event, sequence: sequence, correlation: correlation, profile: profile,
                rangeStart: rangeStart, waitsFor: waitsFor))
    }

    private func issue(_ record: EventRecord, after before: EventRecord?) -> Int32 {
        sequence += 1
        if let failed {
            record.fail(failed.error)
            return 0
        }
        let earlier = before?.markerToWaitFor() ?? 0
        defer { if earlier != 0 { _ = opencl_release_event(earlier) } }
        if earlier != 0 {
            let barrier = opencl_enqueue_barrier(queue, earlier)
            if barrier.status != 0 { return barrier.status }
            _ = opencl_release_event(barrier.handle)
        }
        let made = opencl_enqueue_marker(queue, 0)
        guard made.status == 0 else { return made.status }
        _ = opencl_retain_event(made.handle)
        pending.append(Pending(event: made.handle, sequence: sequence, correlation: 0))
        // Other queues may wait for the marker only when this one is on its way.
        _ = opencl_flush(queue)
        record.issue(made.handle, sequence: sequence)
        return 0
    }

    /// The first failure is the one that stays.
    private func fail(_ error: DeviceError, at number: UInt64? = nil) {
        failure.withLock { failure in if failure == nil { failure = (error, number ?? sequence) } }
    }
}

// MARK: - What OpenCL is done with

extension OpenCLStream {
    /// Deals with all that is complete, from the oldest on; the monitor is held.
    private func reap() {
        while reaped < pending.count {
            let first = pending[reaped]
            let status = opencl_event_status(first.event)
            guard status <= 0 else { break }
            reaped += 1
            finish(first, status)
        }
        if reaped > 256 || reaped == pending.count {
            pending.removeFirst(reaped)
            reaped = 0
        }
    }

    private func finish(_ done: Pending, _ status: Int32) {
        defer {
            _ = opencl_release_event(done.event)
            if done.rangeStart != 0 { _ = opencl_release_event(done.rangeStart) }
        }
        if let cause = done.waitsFor?.failure { fail(cause, at: done.sequence) }
        if status < 0 {
            fail(
                OpenCLStatus.failure(status, context.device.facts.name, correlation: done.correlation),
                at: done.sequence)
        }
        guard let profile = done.profile, context.profile.isOn else { return }
        let end = opencl_event_time(done.event, UInt32(OPENCL_PROFILING_COMMAND_END))
        var begin = opencl_event_time(done.event, UInt32(OPENCL_PROFILING_COMMAND_START))
        if done.rangeStart != 0 {
            begin = opencl_event_time(done.rangeStart, UInt32(OPENCL_PROFILING_COMMAND_END))
        }
        guard begin.status == 0, end.status == 0 else { return }
        context.profile.add(
            heng_profile_record(
                profile.kind, profile.name, stream: number, correlation: done.correlation,
                begin: Int64(clamping: begin.value), end: Int64(clamping: end.value),
                bytes: UInt64(profile.bytes)), isDeviceTime: true)
    }

    /// Looks at what has happened, so that profiles and failures are known.
    func refresh() {
        monitor.locked {
            _ = opencl_flush(queue)
            reap()
        }
    }

    /// Waits for everything submitted so far; negative milliseconds wait for ever.
    func synchronize(milliseconds: Int32, _ operation: String = "stream_synchronize") throws(DeviceError) {
        if isCurrent { throw selfWait(operation) }
        let deadline = Deadline.after(milliseconds)
        guard try waitForKept(deadline, operation) else { throw timeout(milliseconds, operation) }
        let last = lastEvent()
        if last != 0 {
            defer { _ = opencl_release_event(last) }
            guard EventWait.wait(last, deadline: deadline) else {
                // A failure is told every time, also while other work still runs.
                if let failure = monitor.locked({ failed?.error }) { throw failure }
                throw timeout(milliseconds, operation)
            }
        }
        let failure = monitor.locked { () -> DeviceError? in
            reap()
            return failed?.error
        }
        if let failure { throw failure }
    }

    /// Waits until what is kept now is with OpenCL or done; false when the time is up.
    private func waitForKept(_ deadline: Int64?, _ operation: String) throws(DeviceError) -> Bool {
        let (isRecording, isThere) = monitor.locked { () -> (Bool, Bool) in
            if recording != nil { return (true, false) }
            let target = keptCount
            while keptDone < target {
                if let deadline {
                    if !monitor.wait(until: deadline), keptDone < target { return (false, false) }
                } else {
                    monitor.wait()
                }
            }
            return (false, true)
        }
        if isRecording {
            throw DeviceError(
                .misuse, operation: operation, text: "The stream is being recorded and runs nothing.")
        }
        return isThere
    }

    /// The latest event, held for the caller; 0 where OpenCL is done with all.
    private func lastEvent() -> UInt {
        monitor.locked {
            guard reaped < pending.count, let last = pending.last else { return 0 }
            _ = opencl_flush(queue)
            _ = opencl_retain_event(last.event)
            return last.event
        }
    }

    /// Whether all work submitted so far is done.
    func isIdle() throws(DeviceError) -> Bool {
        let (idle, failure) = monitor.locked { () -> (Bool, DeviceError?) in
            _ = opencl_flush(queue)
            reap()
            return (!isKeeping && reaped == pending.count, failed?.error)
        }
        if let failure { throw failure }
        return idle
    }

    private func timeout(_ milliseconds: Int32, _ operation: String) -> DeviceError {
        DeviceError(
            .timeout, operation: operation,
            text: "Work in a stream of \(context.device.facts.name) is not done after \(milliseconds) ms.",
            isRetriable: true)
    }

    private func selfWait(_ operation: String) -> DeviceError {
        DeviceError(
            .misuse, operation: operation,
            text: "A host function of a stream of \(context.device.facts.name) waits for its own stream.")
    }

    /// Lets the work finish, ends the thread, and throws what the work had failed with.
    func close() throws(DeviceError) {
        if isCurrent { throw selfWait("stream_destroy") }
        monitor.locked { recording = nil }
        var failure: DeviceError?
        do throws(DeviceError) { try synchronize(milliseconds: -1, "stream_destroy") } catch {
            failure = error
        }
        let thread = monitor.locked { () -> pthread_t? in
            isStopping = true
            monitor.wakeAll()
            return worker
        }
        if let thread { pthread_join(thread, nil) }
        for range in ranges { _ = opencl_release_event(range.start) }
        context.device.remove(self)
        context.living.count(\.streams, -1)
        if let failure { throw failure }
    }
}

// MARK: - Recordings

extension OpenCLStream {
    func beginRecording() throws(DeviceError) {
        let wasRecording = monitor.locked { () -> Bool in
            defer { if recording == nil { recording = [] } }
            return recording != nil
        }
        if wasRecording {
            throw DeviceError(
                .misuse, operation: "recording_begin", text: "The stream is being recorded already.")
        }
    }

    func endRecording() throws(DeviceError) -> [Submission] {
        let recorded = monitor.locked { () -> [Submission]? in
            defer { recording = nil }
            return recording
        }
        guard let recorded else {
            throw DeviceError(.misuse, operation: "recording_end", text: "The stream is not being recorded.")
        }
        return recorded
    }

    var isRecording: Bool { monitor.locked { recording != nil } }
}

// MARK: - The thread

extension OpenCLStream {
    private func startWorker(_ operation: String) throws(DeviceError) {
        let body = unsafe Unmanaged.passRetained(self)
        var thread = pthread_t()
        let status = unsafe pthread_create(
            &thread, nil,
            { argument in
                if let argument = unsafe argument {
                    unsafe Unmanaged<OpenCLStream>.fromOpaque(argument).takeRetainedValue().work()
                }
                return nil
            }, body.toOpaque())
        guard status == 0 else {
            unsafe body.release()
            throw DeviceError(
                .outOfResources, operation: operation,
                text: "The system starts no further thread for host functions of a stream.",
                nativeCode: Int(status))
        }
        worker = thread
    }

    /// The thread's life: deals with what is kept, one piece after the other.
    private func work() {
        monitor.lock()
        while true {
            while keptStart == kept.count && !isStopping { monitor.wait() }
            guard keptStart < kept.count else { break }
            let next = kept[keptStart]
            keptStart += 1
            if keptStart == kept.count || keptStart > 256 {
                kept.removeFirst(keptStart)
                keptStart = 0
            }
            monitor.unlock()
            run(next)
            monitor.lock()
            keptDone += 1
            if keptDone == keptCount { isKeeping = false }
            monitor.wakeAll()
        }
        monitor.unlock()
    }

    /// One piece; after a failure only what others wait for still happens.
    private func run(_ next: Submission) {
        switch next.command {
        case .hostCopy, .hostBlock, .hostFill, .hostFunction:
            let last = lastEvent()
            if last != 0 {
                _ = EventWait.wait(last, deadline: nil)
                _ = opencl_release_event(last)
            }
            let mayRun = monitor.locked { () -> Bool in
                reap()
                return failed == nil
            }
            if mayRun { runOnHost(next) }
            return
        case .record(_, let before): _ = before?.waitUntilIssued()
        case .wait(let record):
            if monitor.locked({ failed == nil }) { _ = record.waitUntilIssued() }
        default: break
        }
        monitor.locked { runOnDevice(next) }
    }

    private func runOnDevice(_ next: Submission) {
        var isEssential = false
        switch next.command {
        case .record, .free: isEssential = true
        default: break
        }
        if failed == nil || isEssential {
            let status = issue(next.command, next.correlation)
            if status != 0 {
                fail(OpenCLStatus.failure(status, context.device.facts.name, correlation: next.correlation))
                if case .record(let record, _) = next.command, let failed { record.fail(failed.error) }
            }
        }
        // The turn of this wait came, whatever became of it.
        if case .wait(let record) = next.command { record.waitIsIssued(barrier: 0, in: self) }
    }

    private func runOnHost(_ next: Submission) {
        let begin = TimePoint.monotonicNow().nanoseconds
        var code: Int32 = 0
        switch next.command {
        case .hostFunction(let function): code = function.run()
        case .hostCopy(let to, let from, let bytes): unsafe memmove(to, from, bytes)
        case .hostFill(let to, let bytes, let value): unsafe memset(to, Int32(value), bytes)
        case .hostBlock(let block): unsafe HostBlock.copy(block)
        default: break
        }
        if context.profile.isOn {
            let profile = next.command.profile
            context.profile.add(
                heng_profile_record(
                    profile.kind, profile.name, stream: number, correlation: next.correlation, begin: begin,
                    end: TimePoint.monotonicNow().nanoseconds, bytes: UInt64(profile.bytes)))
        }
        monitor.locked {
            sequence += 1
            guard code != 0 else { return }
            fail(
                DeviceError(
                    .execution, scope: .stream, operation: "stream_launch_fallible",
                    text:
                        "A host function in a stream of \(context.device.facts.name) failed with code \(code).",
                    nativeCode: Int(code), correlation: next.correlation))
        }
    }
}
