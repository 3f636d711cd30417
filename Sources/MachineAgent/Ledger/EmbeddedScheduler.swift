package import Essentials
package import HardwareTopology
package import Scheduling

/// The scheduler inside a command: it shares the machine with all other commands through their ledger.
///
/// When the command dies at any point, the next one finds out and frees what it had.
package final class EmbeddedScheduler: Sendable {
    package let ledger: Ledger
    private let machine: Machine
    /// Set when this command may not use the whole machine.
    private let within: CPUSet?
    private let owner: LedgerOwner

    /// Joins the ledger of a machine in a folder from `LedgerFolder`.
    ///
    /// `allowedCPUs` are the units that this process may use; jobs submitted here get no others.
    package init(folder: String, topology: Topology, allowedCPUs: CPUSet) throws {
        let ledger = Ledger(in: folder, machine: topology.machineName)
        let machine = Machine(topology: topology)
        self.ledger = ledger
        self.machine = machine
        within = topology.cpus.isSubset(of: allowedCPUs) ? nil : allowedCPUs
        owner = try ledger.change { transaction in
            try DaemonNeighbour.check(folder)
            // A machine that describes itself anew, for instance with grown memory, counts when nothing is lent.
            let known = transaction.state.inventories.first { $0.machine.name == machine.name }?.machine
            if known != machine { transaction.apply(.machineJoined(machine)) }
            return try LedgerOwner(in: ledger.ownersFolder)
        }
    }

    /// Puts a job into the queue; throws `RequestError` when it can never run here.
    package func submit(_ request: JobRequest) throws -> JobID {
        var request = request
        request.resources.within = request.resources.within.map { $0.intersection(within ?? $0) } ?? within
        return try ledger.change { transaction in
            switch transaction.apply(.submitted(request)).first {
            case .accepted(let job):
                transaction.claim(job, for: owner.name)
                return job
            case .refused(let error): throw error
            default: preconditionFailure("a submission is accepted or refused")
            }
        }
    }

    /// Waits until the job has its resources, and calls `onWait` for each new reason why it has not.
    ///
    /// An interrupt takes the job back and throws `LedgerError.interrupted`. A job that someone cancels meanwhile
    /// throws `LedgerError.endedWhileWaiting`.
    package func waitForPlacement(
        of job: JobID, interrupt: LedgerInterrupt, onWait: (WaitReason) -> Void = { _ in }
    ) throws -> Lease {
        var lastReason: WaitReason?
        let found = try watch(job, interrupt) { state, job -> Lease? in
            switch job.phase {
            case .held, .pending:
                let reason = state.waitReason(of: job.id)
                if let reason, reason != lastReason { onWait(reason) }
                lastReason = reason
                return nil
            case .launching, .running, .suspending, .suspended, .completing:
                guard let lease = Lease(job) else { throw LedgerError.unknownJob(job.id) }
                return lease
            case .ended(let end): throw LedgerError.endedWhileWaiting(job.id, end)
            }
        }
        guard let found else {
            try withdraw(job)
            throw LedgerError.interrupted(job)
        }
        return found
    }

    /// Says that the processes run.
    package func reportStarted(_ lease: Lease) throws {
        try ledger.change { _ = $0.apply(.started(lease.job, attempt: lease.attempt)) }
    }

    /// Waits until someone wants the job stopped: by `heng cancel`, at its time limit, or to queue it again.
    ///
    /// Returns nil when interrupted, which is how the thread in here is called back once the processes have ended,
    /// and when the job is over.
    package func stopRequest(for lease: Lease, interrupt: LedgerInterrupt) throws -> StopReason? {
        try watch(lease.job, interrupt) { _, job -> StopReason?? in
            guard job.attempt == lease.attempt else { return .some(nil) }
            return switch job.phase {
            case .completing(let reason): .some(reason)
            case .ended, .pending, .held: .some(nil)
            case .launching, .running, .suspending, .suspended: nil
            }
        } ?? nil
    }

    /// Gives the resources back and records the outcome; returns the job's phase, which is pending again if it is to
    /// be queued once more.
    @discardableResult
    package func finish(_ lease: Lease, _ outcome: JobOutcome) throws -> JobPhase {
        try ledger.change { transaction in
            transaction.apply(.exited(lease.job, attempt: lease.attempt, outcome))
            guard let job = transaction.state.jobs[lease.job] else {
                throw LedgerError.unknownJob(lease.job)
            }
            return job.phase
        }
    }

    package func jobs() throws -> JobTable { try ledger.jobs() }

    /// Ends a job that has no processes, whether it waits or just got its resources.
    private func withdraw(_ job: JobID) throws {
        try ledger.change { transaction in
            transaction.apply(.cancelRequested(job))
            guard let found = transaction.state.jobs[job], found.phase.holdsResources else { return }
            transaction.apply(.exited(job, attempt: found.attempt, .launchFailed("interrupted")))
        }
    }

    /// Looks at the job after each change of the ledger until `look` has an answer; nil when interrupted.
    private func watch<Answer>(
        _ id: JobID, _ interrupt: LedgerInterrupt, _ look: (ClusterState, Job) throws -> Answer?
    ) throws -> Answer? {
        let watch = LedgerWatch(ledger.folder)
        while !interrupt.isTriggered {
            guard let record = try ledger.read(), let job = record.state.jobs[id] else {
                throw LedgerError.unknownJob(id)
            }
            if let answer = try look(record.state, job) { return answer }
            if ledger.needsAttention(record) {
                try ledger.catchUp()
                continue
            }
            _ = watch.wait(atMost: patience(record), or: interrupt)
        }
        return nil
    }

    /// Until the next time limit, but at most a second: the death of another command changes no file.
    private func patience(_ record: LedgerRecord) -> Duration {
        let longest = Duration.seconds(1)
        guard let deadline = record.state.nextWakeUp else { return longest }
        return min(longest, max(.zero, deadline - record.clock.now()))
    }
}
