internal import AcceleratorAPI
internal import Essentials
internal import Synchronization

#if canImport(Glibc)
internal import Glibc
#endif

/// A stream of a simulated device: a queue of work, a thread that runs it, and a line of time.
@safe final class SimulatedStream: OwnedObject, @unchecked Sendable {
    // Unchecked: guarded by the device's monitor.
    static let kindName = "a stream"
    /// The most work that may wait: a stream that hangs must not fill the host's memory.
    static let queueLimit = 1 << 16
    private static let numbers = Atomic<UInt64>(0)

    let context: SimulatedContext
    let epoch: UInt64
    /// Unique in the process.
    let number: UInt64
    let priority: Int32
    /// How long one piece of work may run; nil: for ever.
    let workLimit: Int64?
    let continues: Bool

    var queue = CommandQueue()
    var submitted: UInt64 = 0
    var finished: UInt64 = 0
    /// The time at which all that has run so far ends.
    var end: Int64 = 0
    var history = EndHistory()
    /// Why the stream runs nothing any more.
    var failure: Sticky?
    /// What failed in a stream that goes on after failures, and nobody has been told yet.
    var untold: [(error: DeviceError, time: Int64)] = []
    var phase = Phase.idle
    var running: Running?
    var hasLane = false
    /// What a recording has kept so far; nil where none is made.
    var capture: [Command]?
    /// Ranges that were begun and not ended, by submission.
    var rangeDepth = 0
    /// Ranges that have begun and not ended, by execution.
    var ranges: [OpenRange] = []
    var isClosing = false
    var hasWorker = false
    private var worker = pthread_t()

    enum Phase {
        case idle
        /// There is something for the worker to do.
        case ready
        case working
        case inHostFunction
        case hung
        case waiting(EventRecord)
        case waitingForLane
    }

    struct Running {
        var command: Command
        var begin: Int64
        /// When the host began to run it.
        var hostBegin: Int64
        /// Someone wants it to end now.
        var isStopped = false
    }

    struct OpenRange {
        var name: String
        var correlation: UInt64
        var begin: Int64
    }

    init(in context: SimulatedContext, priority: Int32, workMilliseconds: UInt32, continues: Bool) {
        self.context = context
        epoch = context.epoch
        number = SimulatedStream.numbers.add(1, ordering: .relaxed).newValue
        self.priority = priority
        workLimit = workMilliseconds == 0 ? nil : Int64(workMilliseconds) * 1_000_000
        self.continues = continues
        end = context.device.machine.now
        context.streams.append(self)
        context.device.machine.streams.append(self)
    }

    var device: SimulatedDevice { context.device }
    var machine: Machine { context.device.machine }

    /// Whether its thread is the calling one.
    var isCurrent: Bool { running != nil && hasWorker && pthread_equal(worker, pthread_self()) != 0 }

    var isRunning: Bool { running != nil }

    /// Takes the stream out of all lists.
    func leave(isLeak: Bool) {
        context.streams.removeAll { $0 === self }
        machine.streams.removeAll { $0 === self }
        if isLeak { device.leakedStreams += 1 }
    }

    // MARK: What others ask

    var isSettled: Bool {
        switch phase {
        case .ready, .working: false
        case .idle, .inHostFunction, .hung, .waiting, .waitingForLane: true
        }
    }

    var isInHostFunction: Bool { if case .inHostFunction = phase { true } else { false } }

    /// Until when the running host function may run, on the monotonic clock; nil: for ever, or none runs.
    var hostFunctionLimit: Int64? {
        guard case .inHostFunction = phase, failure == nil, let running, let workLimit, !running.isStopped
        else { return nil }
        return running.hostBegin + workLimit
    }

    var seenFailure: DeviceError? { failure.flatMap { $0.isSeen ? $0.error : nil } }

    func see(_ now: Int64) { if let failure, failure.time <= now { self.failure?.isSeen = true } }

    func nextEnd(after now: Int64) -> Int64? { history.next(after: now) }

    /// Whether all work up to that number is done, and how.
    func outcome(of target: UInt64) -> WaitOutcome {
        let time = history.end(of: target)
        if let failure {
            if !failure.isSeen, finished >= target, time < failure.time { return .done(at: time) }
            return .failed(failure.error, at: failure.time)
        }
        guard finished >= target else { return .pending }
        if let first = untold.first, first.time <= max(time, machine.now) {
            return .failed(first.error, at: time)
        }
        return .done(at: time)
    }

    /// Waits for all work submitted so far.
    func synchronize(_ milliseconds: Int32, _ operation: String) throws(DeviceError) {
        let target = submitted
        do throws(DeviceError) {
            try device.wait(milliseconds, operation, "The work of a stream") { () throws(DeviceError) in
                outcome(of: target)
            }
        } catch {
            tell(error)
            throw error
        }
    }

    /// Notes that a failure of a stream that goes on was reported.
    func tell(_ error: DeviceError) {
        if let index = untold.firstIndex(where: { $0.error == error }) { untold.remove(at: index) }
    }

    // MARK: Submission

    /// Puts work into the stream, or into the recording that it makes.
    func submit(_ given: Command) throws(DeviceError) {
        var command = given
        command.submitted = machine.now
        guard queue.count < SimulatedStream.queueLimit else {
            throw DeviceError(
                .outOfResources, operation: command.function,
                text: "A stream of \(device.name) holds \(queue.count) pieces of work already, its most.",
                isRetriable: true, correlation: command.correlation)
        }
        if capture != nil {
            capture?.append(command)
            return
        }
        try startWorker(command.function)
        submitted += 1
        if case .wait(_, let event) = command.kind { event.waits += 1 }
        if let failure {
            // It failed at a time that the host has not come to yet; what goes in now is dropped.
            complete(command, at: failure.time, failure: failure.error)
        } else {
            queue.append(command)
            if case .idle = phase { phase = .ready }
        }
        device.monitor.wakeAll()
    }

    private func startWorker(_ operation: String) throws(DeviceError) {
        guard !hasWorker else { return }
        do throws(Failure) {
            try startThread { self.work() }
        } catch {
            throw DeviceError(.outOfResources, operation: operation, text: error.summary, isRetriable: true)
        }
        hasWorker = true
    }

    func noteWorker() { worker = pthread_self() }

    // MARK: Failure

    /// The stream fails at that time: for good, unless it goes on after failures of single pieces of work.
    func fail(_ error: DeviceError, at time: Int64) {
        guard failure == nil else { return }
        if continues, error.scope.rawValue <= DeviceError.Scope.stream.rawValue {
            untold.append((error, time))
            return
        }
        end(with: error, at: time)
    }

    /// Ends the stream for good.
    func end(with error: DeviceError, at time: Int64) {
        guard failure == nil else { return }
        failure = Sticky(error: error, time: time, isSeen: !device.isVirtual || time <= machine.now)
        running?.isStopped = true
        while let command = queue.popFirst() { complete(command, at: time, failure: error) }
        wake()
        device.monitor.wakeAll()
    }

    /// Ends the stream now, and what it runs.
    func stop(_ error: DeviceError) {
        end(with: error, at: machine.now)
        running?.isStopped = true
        device.monitor.wakeAll()
    }

    /// A host function ran for longer than a piece of work may.
    func failOverdue() {
        guard let running, let workLimit else { return }
        fail(overdue(running.command), at: max(running.begin + workLimit, machine.now))
        // It cannot be stopped; what it returns later counts no more.
        self.running?.isStopped = true
    }

    func overdue(_ command: Command) -> DeviceError {
        let work = command.correlation == 0 ? "" : " with correlation \(command.correlation)"
        return DeviceError(
            .timeout, scope: .stream, operation: command.function,
            text: "The work \(command.name)\(work) of \(device.name) ran longer than the "
                + "\((workLimit ?? 0) / 1_000_000) ms that its stream allows.",
            correlation: command.correlation, node: command.node, operatorName: command.operatorName)
    }

    /// Lets a worker that waits for something look again.
    func wake() {
        switch phase {
        case .waiting, .waitingForLane: phase = .ready
        case .idle, .ready, .working, .inHostFunction, .hung: break
        }
    }
}
