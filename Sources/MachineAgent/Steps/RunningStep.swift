internal import Essentials
internal import Synchronization

#if canImport(Glibc)
internal import Glibc
#endif

/// A step that has been started: its processes, and in the end its outcome.
///
/// The step ends with this process, whatever ends this process. Dropping the value does not end it.
package final class RunningStep: Sendable {
    package let specification: StepSpecification
    /// The main process; its number stays taken until the step has ended.
    package let pid: Int32
    package let enforcement: EnforcementReport
    /// The folders of its control groups, for reading while it runs.
    package let groupFolders: [String]

    let socket: SupervisorSocket
    private let state: Mutex<State>

    private struct State {
        var lines: LineBuffer
        var last: SupervisorLine?
        var outcome: StepOutcome?
        var waiters: [@Sendable (StepOutcome) -> Void] = []
    }

    private init(
        _ specification: StepSpecification, pid: Int32, enforcement: EnforcementReport, limits: StepLimits,
        socket: SupervisorSocket, lines: LineBuffer
    ) {
        self.specification = specification
        self.pid = pid
        self.enforcement = enforcement
        self.socket = socket
        groupFolders = limits.groups.map(\.path)
        state = Mutex(State(lines: lines))
    }

    /// Starts a step, and returns when its program has been executed with all limits in place.
    ///
    /// Blocks for the few milliseconds that takes. Throws a `StepError` when nothing runs.
    package static func start(
        _ specification: StepSpecification, isolation: Isolation, supervisor: SupervisorProgram
    ) throws -> RunningStep {
        try specification.validate()
        let socket = try SupervisorSocket(starting: supervisor)
        let limits = StepLimits(specification, isolation: isolation)
        var lines = LineBuffer()
        socket.send(SupervisorBlock(specification, limits: limits).bytes)
        let answer = firstLine(from: socket, into: &lines)
        guard let answer, answer.word == "started", let pid = answer.code("pid") else {
            socket.finish()
            limits.discard()
            throw StepError(answer, specification: specification)
        }
        let step = RunningStep(
            specification, pid: pid, enforcement: limits.report.afterStart(answer, specification),
            limits: limits, socket: socket, lines: lines)
        SupervisorWatch.shared.add(step)
        return step
    }

    private static func firstLine(
        from socket: SupervisorSocket, into lines: inout LineBuffer
    ) -> SupervisorLine? {
        while true {
            if let line = lines.next() { return SupervisorLine(parsing: line) }
            let bytes = socket.receive()
            guard !bytes.isEmpty else { return nil }
            lines.append(bytes)
        }
    }
}

extension RunningStep {
    /// The outcome, once every process of the step is gone.
    package var outcome: StepOutcome? { state.withLock { $0.outcome } }

    /// Waits until every process of the step is gone.
    ///
    /// Cancelling the waiting task does not end the step; `terminate` does.
    package func wait() async -> StepOutcome {
        await withCheckedContinuation { continuation in
            whenEnded { continuation.resume(returning: $0) }
        }
    }

    /// Calls `body` with the outcome, once: at once when the step has ended, else from the thread that watches steps.
    ///
    /// `body` must not block, because every other step's end waits behind it.
    package func whenEnded(_ body: @escaping @Sendable (StepOutcome) -> Void) {
        let outcome = state.withLock { state in
            if state.outcome == nil { state.waiters.append(body) }
            return state.outcome
        }
        if let outcome { body(outcome) }
    }

    /// Asks every process of the step to end, and ends those by force that are left after the grace.
    ///
    /// Returns at once. A grace of zero ends them by force now; asking again can only shorten the time. Nil takes
    /// the specification's grace.
    package func terminate(grace: Duration? = nil) {
        // A supervisor that is not there to hear it has ended, and the step with it.
        socket.send(SupervisorBlock.termination(grace: grace ?? specification.grace))
    }

    /// Sends a signal, and nothing more happens.
    func send(_ signal: JobSignal) {
        socket.send(
            SupervisorBlock.command(signal.isForFirstOnly ? "s" : "S", UInt32(clamping: signal.number)))
    }

    /// Takes what the supervisor says; true when it has closed its end.
    func listen() -> Bool {
        let bytes = socket.receive()
        state.withLock { state in
            state.lines.append(bytes)
            while let line = state.lines.next() { state.last = SupervisorLine(parsing: line) }
        }
        return bytes.isEmpty
    }

    /// Makes the outcome and hands it to everyone who waits.
    func conclude() {
        socket.finish()
        let last = state.withLock { state in
            // The last line may have come together with the first one.
            while let line = state.lines.next() { state.last = SupervisorLine(parsing: line) }
            return state.last
        }
        let said = last.flatMap {
            StepOutcome($0, specification: specification)
        }
        let outcome = said ?? abandon()
        let waiters = state.withLock { state in
            state.outcome = outcome
            defer { state.waiters = [] }
            return state.waiters
        }
        for waiter in waiters { waiter(outcome) }
    }

    /// Ends what a killed supervisor has left: the kernel has ended the main process, we look for the others.
    private func abandon() -> StepOutcome {
        kill(-pid, SIGKILL)
        for folder in groupFolders {
            let members = SmallFile.read("\(folder)/cgroup.procs")?.split(separator: "\n") ?? []
            for member in members { if let member = pid_t(member) { kill(member, SIGKILL) } }
        }
        let left = groupFolders.filter { !GroupName.remove($0) }
        let now = TimePoint.monotonicNow()
        return StepOutcome(
            evidence: StepEvidence(ending: .unknown), usage: StepUsage(started: now, ended: now),
            remarks: left.map { "The control group \($0) could not be removed." })
    }
}
