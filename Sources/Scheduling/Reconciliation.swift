package import Essentials

/// What an agent knows of an attempt when it connects again.
package enum KnownAttempt: Hashable, Sendable {
    case starting
    case running
    case suspended
    case ended(JobOutcome)
}

/// What follows when what an agent knows is compared with what the state says.
///
/// Commands and reports may have been lost, on either side, for any time. Whatever both say then, this makes them agree:
/// ends and starts that were not heard of are taken in, commands that were not heard are sent again, and attempts that
/// the state knows nothing of, or no longer, are stopped.
package struct Reconciliation: Hashable, Sendable {
    package struct Attempt: Hashable, Sendable {
        package var job: JobID
        package var attempt: Int

        package init(_ job: JobID, _ attempt: Int) {
            self.job = job
            self.attempt = attempt
        }
    }

    /// What the state has to take in, in this order.
    package var events: [Event] = []
    /// What this machine has to be told again: starts, stops, suspensions, resumptions.
    package var commands: [Action] = []
    /// Attempts that must not run, because they are over or were never known.
    package var strays: [Attempt] = []
    /// Attempts whose end is known, so that the agent may forget them.
    package var settled: [Attempt] = []
}

extension ClusterState {
    /// Compares what a machine's agent knows with this state.
    package func reconcile(
        machine name: String, with known: [Reconciliation.Attempt: KnownAttempt]
    ) -> Reconciliation {
        var result = Reconciliation()
        var expected: Set<Reconciliation.Attempt> = []
        for id in activeJobs {
            guard let job = jobs[id], let run = job.run, run.placement.machines.contains(name),
                !run.endedParts.contains(name), !job.request.isAttached
            else { continue }
            let attempt = Reconciliation.Attempt(id, job.attempt)
            expected.insert(attempt)
            result.compare(job, run, on: name, with: known[attempt])
        }
        for (attempt, state) in known.sorted(by: {
            ($0.key.job, $0.key.attempt) < ($1.key.job, $1.key.attempt)
        })
        where !expected.contains(attempt) {
            if case .ended = state { result.settled.append(attempt) } else { result.strays.append(attempt) }
        }
        return result
    }
}

extension Reconciliation {
    fileprivate mutating func compare(
        _ job: Job, _ run: Job.Run, on machine: String, with known: KnownAttempt?
    ) {
        let hasStarted = run.startedAt != nil || run.startedParts.contains(machine)
        switch known {
        case .ended(let outcome):
            events.append(.exited(job.id, attempt: job.attempt, outcome, machine: machine))
        case nil: compareUnknown(job, run, on: machine, hasStarted: hasStarted)
        case .starting: repeatStop(job)
        case .running, .suspended:
            if !hasStarted { events.append(.started(job.id, attempt: job.attempt, machine: machine)) }
            repeatStop(job)
            repeatSuspension(job, stands: known == .suspended, on: machine)
        }
    }

    /// Nothing of the attempt is there: it was never told to start, or it is gone.
    private mutating func compareUnknown(_ job: Job, _ run: Job.Run, on machine: String, hasStarted: Bool) {
        if hasStarted {
            events.append(.exited(job.id, attempt: job.attempt, .supervisorLost, machine: machine))
        } else if case .completing = job.phase {
            let why = "stopped before it started"
            events.append(.exited(job.id, attempt: job.attempt, .launchFailed(why), machine: machine))
        } else {
            commands.append(.start(job.id, attempt: job.attempt, run.placement))
        }
    }

    private mutating func repeatStop(_ job: Job) {
        guard case .completing(let reason) = job.phase else { return }
        commands.append(.stop(job.id, attempt: job.attempt, reason))
    }

    private mutating func repeatSuspension(_ job: Job, stands: Bool, on machine: String) {
        switch job.phase {
        case .suspending, .suspended:
            if !stands {
                commands.append(.suspend(job.id, attempt: job.attempt))
            } else if job.phase == .suspending {
                events.append(.suspended(job.id, attempt: job.attempt, machine: machine))
            }
        case .running: if stands { commands.append(.resume(job.id, attempt: job.attempt)) }
        case .held, .pending, .launching, .completing, .ended: break
        }
    }
}
