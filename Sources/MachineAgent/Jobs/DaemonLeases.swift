package import ControlAPI
package import Essentials
package import Scheduling
internal import Synchronization

#if canImport(Glibc)
internal import Glibc
#endif

/// Leases of a daemon for jobs that this command runs by itself.
///
/// Each lease is a connection that stays open. A daemon that was killed finds the command again when it is back: the
/// processes run on meanwhile.
package final class DaemonLeases: JobScheduler {
    private let address: DaemonAddress
    /// Set when this command may not use the whole machine.
    private let within: CPUSet?
    private let leases = Mutex<[JobID: LeaseStream]>([:])

    /// How long the end of a job is offered to a daemon that does not answer; it then finds the command gone.
    private static let patience: Duration = .seconds(10)

    /// `allowedCPUs` are the units that this process may use, of all those of the machine.
    package init(_ address: DaemonAddress, machine cpus: CPUSet, allowedCPUs: CPUSet) {
        self.address = address
        within = cpus.isSubset(of: allowedCPUs) ? nil : allowedCPUs
    }

    package func submit(_ request: JobRequest) throws -> JobID {
        var request = request
        request.resources.within = request.resources.within.map { $0.intersection(within ?? $0) } ?? within
        let stream = try LeaseStream(address, LeaseRequest(job: request))
        leases.withLock { $0[stream.job] = stream }
        return stream.job
    }

    package func waitForPlacement(
        of job: JobID, interrupt: LedgerInterrupt, onWait: (WaitReason) -> Void
    ) throws -> Lease {
        var told: WaitReason?
        let found = try stream(job).wait(interrupt) { state -> Lease?? in
            if let lease = state.lease { return .some(lease) }
            if let end = state.end { throw LedgerError.endedWhileWaiting(job, end) }
            if state.isGone { throw LeaseStream.gone(job) }
            if let reason = state.reason, reason != told { onWait(reason) }
            told = state.reason
            return nil
        }
        guard let lease = found ?? nil else {
            // Closing the connection takes the job back, whether or not it was granted something just now.
            leases.withLock { $0.removeValue(forKey: job) }?.close()
            throw LedgerError.interrupted(job)
        }
        return lease
    }

    package func reportStarted(_ lease: Lease, _ run: AttemptRun) throws {
        try report(.started(AttemptID(lease.job, lease.attempt), run), of: lease)
    }

    package func stopRequest(
        for lease: Lease, interrupt: LedgerInterrupt, onSignal: (JobSignal) -> Void
    ) throws -> StopReason? {
        let stream = try stream(lease.job)
        return try stream.wait(interrupt) { state -> StopReason?? in
            for signal in state.takeSignals() { onSignal(signal) }
            if let reason = state.stop { return .some(reason) }
            // The daemon gave the job up, and with it what the processes use.
            if state.end != nil { return .some(.cancelled) }
            return nil
        } ?? nil
    }

    @discardableResult
    package func finish(_ lease: Lease, _ end: AttemptEnd) throws -> JobPhase {
        let limit = TimePoint.monotonicNow() + DaemonLeases.patience
        while true {
            do {
                try report(.ended(AttemptID(lease.job, lease.attempt), end), of: lease)
                break
            } catch let refusal as DaemonRefusal where refusal.exitCode == .negative {
                // It was over for the daemon already.
                break
            } catch {
                // The job's own end counts for whoever called; the daemon, once back, sees that it is gone.
                guard TimePoint.monotonicNow() < limit else { break }
                usleep(200_000)
            }
        }
        let stream = leases.withLock { $0.removeValue(forKey: lease.job) }
        defer { stream?.close() }
        return .ended(stream?.lastEnd ?? JobEnd(end.outcome))
    }

    package func cancel(_ job: JobID) throws {
        _ = try DaemonClient(address).act(
            JobActionRequest(.cancel, JobSelection(jobs: [JobReference(job)])))
    }

    private func report(_ report: AgentReport, of lease: Lease) throws {
        try DaemonClient(address).send("POST", "/v1/leases/\(lease.job)/reports", [report])
    }

    private func stream(_ job: JobID) throws -> LeaseStream {
        guard let stream = leases.withLock({ $0[job] }) else { throw LedgerError.unknownJob(job) }
        return stream
    }
}
