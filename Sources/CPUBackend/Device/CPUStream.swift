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
    private let ring: CommandRing
    private let concurrency: Int
    /// The worker's `pthread_t`.
    private let worker = Atomic<UInt>(0)
    private let isFailed = Atomic<Bool>(false)
    private let failure = Mutex<DeviceError?>(nil)

    init(in context: CPUContext, cpus: CPUSet) throws(DeviceError) {
        self.context = context
        self.cpus = cpus
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

    /// The failure that ended the stream's work, if any.
    var failed: DeviceError? { isFailed.load(ordering: .acquiring) ? failure.withLock { $0 } : nil }

    /// Waits for everything submitted so far; negative nanoseconds wait for ever.
    func synchronize(nanoseconds: Int64) throws(DeviceError) {
        guard !isCurrent else { throw selfWait("stream_synchronize") }
        let done = ring.wait(until: ring.submitted, nanoseconds: nanoseconds)
        if let failed { throw failed }
        guard done else {
            throw DeviceError(
                .timeout, operation: "stream_synchronize",
                text:
                    "Work in a stream of \(context.device.name) is not done after \(nanoseconds / 1_000_000) ms.",
                isRetriable: true)
        }
    }

    /// Lets the work finish, ends the thread, and throws what the work had failed with.
    func close() throws(DeviceError) {
        guard !isCurrent else { throw selfWait("stream_destroy") }
        _ = ring.push(mayWait: true) { slot in slot.kind = CommandKind.stop.rawValue }
        pthread_join(pthread_t(worker.load(ordering: .relaxed)), nil)
        if let failed { throw failed }
    }

    private func selfWait(_ operation: String) -> DeviceError {
        DeviceError(
            .misuse, operation: operation,
            text: "A host function of a stream of \(context.device.name) waits for its own stream.")
    }
}

// MARK: - Submission

extension CPUStream {
    /// Puts a command into the ring, unless the stream has failed.
    @inline(__always)
    private func submit(_ operation: StaticString, _ write: (CommandSlot) -> Void) throws(DeviceError) {
        if isFailed.load(ordering: .relaxed), let failed { throw failed }
        guard ring.push(mayWait: !isCurrent, write) else { throw fullRing(operation) }
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
        _ kind: CommandKind, _ function: UInt, _ arguments: UnsafeRawPointer?, _ size: Int
    ) throws(DeviceError) {
        try submit("stream_launch") { slot in
            slot.kind = kind.rawValue
            slot.word0 = function
            if size > 0, let arguments = unsafe arguments {
                unsafe slot.arguments.copyMemory(from: arguments, byteCount: size)
            }
        }
    }

    func copy(
        to destination: UnsafeMutableRawPointer, from source: UnsafeRawPointer, bytes: Int
    ) throws(DeviceError) {
        try submit("stream_copy") { slot in
            slot.kind = CommandKind.copy.rawValue
            slot.word0 = UInt(bitPattern: destination)
            slot.word1 = UInt(bitPattern: source)
            slot.word2 = UInt(bitPattern: bytes)
        }
    }

    func fill(_ destination: UnsafeMutableRawPointer, value: UInt8, bytes: Int) throws(DeviceError) {
        try submit("stream_fill") { slot in
            slot.kind = CommandKind.fill.rawValue
            slot.word0 = UInt(bitPattern: destination)
            slot.word1 = UInt(value)
            slot.word2 = UInt(bitPattern: bytes)
        }
    }

    func record(_ event: CPUEvent) throws(DeviceError) {
        if let failed { throw failed }
        let number = event.nextRecord()
        // A record that got its number must happen, or those who wait for it would wait for ever; so it goes in
        // even if the stream fails meanwhile, and then carries the failure.
        let isIn = ring.push(mayWait: !isCurrent) { slot in
            slot.kind = CommandKind.record.rawValue
            slot.word0 = unsafe UInt(bitPattern: Unmanaged.passRetained(event).toOpaque())
            slot.word1 = UInt(number)
        }
        guard isIn else {
            let error = fullRing("event_record")
            event.happen(number, at: TimePoint.monotonicNow().nanoseconds, failure: error)
            throw error
        }
    }

    func wait(for event: CPUEvent) throws(DeviceError) {
        let number = event.submitted
        guard number > 0 else {
            throw DeviceError(
                .eventNotRecorded, operation: "stream_wait_event",
                text: "A stream of \(context.device.name) would wait for an event that no stream records.")
        }
        try submit("stream_wait_event") { slot in
            slot.kind = CommandKind.waitEvent.rawValue
            slot.word0 = unsafe UInt(bitPattern: Unmanaged.passRetained(event).toOpaque())
            slot.word1 = UInt(number)
        }
    }
}

// MARK: - The worker

extension CPUStream {
    /// The worker's life: runs commands until `stop`.
    private func run() {
        let place = WorkerPlace(cpus: cpus, pool: .shared)
        place.becomeCurrent()
        defer { withExtendedLifetime(place) {} }
        var consumer = CommandConsumer(of: ring, cpus: cpus)
        var goesOn = true
        while goesOn {
            goesOn = execute(ring.next(&consumer))
            ring.finish(&consumer)
        }
    }

    private func execute(_ slot: CommandSlot) -> Bool {
        guard let kind = CommandKind(rawValue: slot.kind) else {
            preconditionFailure("a stream's ring holds a command that nobody put in")
        }
        // After a failure, only what others wait for still happens.
        let skips = isFailed.load(ordering: .relaxed)
        switch kind {
        case .stop: return false
        case .record: record(slot)
        case .waitEvent: waitEvent(slot, skips: skips)
        case .launch, .launchFallible, .copy, .fill: if !skips { work(kind, slot) }
        }
        return true
    }

    @inline(__always)
    private func work(_ kind: CommandKind, _ slot: CommandSlot) {
        switch kind {
        case .launch: unsafe unsafeBitCast(slot.word0, to: heng_host_function.self)(slot.arguments)
        case .launchFallible:
            let code = unsafe unsafeBitCast(slot.word0, to: heng_fallible_host_function.self)(slot.arguments)
            if code != 0 { fail(code) }
        case .copy:
            guard let target = unsafe UnsafeMutableRawPointer(bitPattern: slot.word0),
                let source = unsafe UnsafeRawPointer(bitPattern: slot.word1)
            else { preconditionFailure("a copy without its two addresses") }
            unsafe memmove(target, source, Int(bitPattern: slot.word2))
        case .fill:
            guard let target = unsafe UnsafeMutableRawPointer(bitPattern: slot.word0) else {
                preconditionFailure("a fill without its address")
            }
            unsafe memset(target, Int32(slot.word1), Int(bitPattern: slot.word2))
        case .record, .waitEvent, .stop: break
        }
    }

    private func record(_ slot: CommandSlot) {
        let event = takeEvent(slot)
        event.happen(UInt64(slot.word1), at: TimePoint.monotonicNow().nanoseconds, failure: failed)
    }

    private func waitEvent(_ slot: CommandSlot, skips: Bool) {
        let event = takeEvent(slot)
        guard !skips else { return }
        _ = event.wait(for: UInt64(slot.word1), concurrency: concurrency, nanoseconds: -1)
        if let cause = event.recordedFailure { fail(with: cause) }
    }

    private func takeEvent(_ slot: CommandSlot) -> CPUEvent {
        guard let raw = unsafe UnsafeRawPointer(bitPattern: slot.word0) else {
            preconditionFailure("an event command without an event")
        }
        return unsafe Unmanaged<CPUEvent>.fromOpaque(raw).takeRetainedValue()
    }

    private func fail(_ code: Int32) {
        fail(
            with: DeviceError(
                .execution, scope: .stream, operation: "stream_launch_fallible",
                text: "A host function in a stream of \(context.device.name) failed with code \(code).",
                nativeCode: Int(code)))
    }

    private func fail(with error: DeviceError) {
        failure.withLock { $0 = error }
        isFailed.store(true, ordering: .releasing)
    }
}
