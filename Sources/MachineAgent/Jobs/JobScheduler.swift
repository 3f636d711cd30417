package import ControlAPI
package import Essentials
package import Scheduling

/// Whoever places the jobs that a command runs by itself: the machine's ledger, or a daemon.
///
/// Use: `submit`, `waitForPlacement`, start the processes, `reportStarted`, wait for them or for `stopRequest`,
/// `finish`. All calls block, so they belong on threads of their own and not on the concurrency pool. When the command
/// dies at any point, what it had is given back.
package protocol JobScheduler: Sendable {
    /// Puts a job into the queue; throws when it can never run here.
    func submit(_ request: JobRequest) throws -> JobID

    /// Waits until the job has its resources, and calls `onWait` for each new reason why it has not.
    ///
    /// An interrupt takes the job back and throws `LedgerError.interrupted`. A job that someone cancels meanwhile
    /// throws `LedgerError.endedWhileWaiting`.
    func waitForPlacement(
        of job: JobID, interrupt: LedgerInterrupt, onWait: (WaitReason) -> Void
    ) throws -> Lease

    /// Says that the processes run.
    func reportStarted(_ lease: Lease, _ run: AttemptRun) throws

    /// Waits until someone wants the job stopped; nil when interrupted, and when the job is over.
    ///
    /// Signals that someone wants the job to have meanwhile are handed over.
    func stopRequest(
        for lease: Lease, interrupt: LedgerInterrupt, onSignal: (JobSignal) -> Void
    ) throws -> StopReason?

    /// Gives the resources back and records the end; returns the job's phase.
    @discardableResult
    func finish(_ lease: Lease, _ end: AttemptEnd) throws -> JobPhase

    /// Asks for the job's end, as its user would.
    func cancel(_ job: JobID) throws
}

/// A signal for the processes of a job: all of them, or the first one of each rank alone.
package struct JobSignal: Hashable, Sendable {
    package var number: Int32
    package var isForFirstOnly: Bool
}

extension EmbeddedScheduler: JobScheduler {
    package func reportStarted(_ lease: Lease, _ run: AttemptRun) throws { try reportStarted(lease) }

    /// The ledger passes no signals on.
    package func stopRequest(
        for lease: Lease, interrupt: LedgerInterrupt, onSignal: (JobSignal) -> Void
    ) throws -> StopReason? {
        try stopRequest(for: lease, interrupt: interrupt)
    }

    @discardableResult
    package func finish(_ lease: Lease, _ end: AttemptEnd) throws -> JobPhase {
        try finish(lease, end.outcome)
    }

    package func cancel(_ job: JobID) throws { try ledger.cancel(job) }
}
