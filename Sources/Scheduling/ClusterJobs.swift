internal import Essentials

// Jobs: from submission to their end.
extension ClusterState {
    mutating func submit(_ asked: JobRequest) -> [Action] {
        let isKnown = possible.value.contains(asked.resources) && asked.resources.virtualDevice == nil
        if let error = firstError(asked, fitsForSure: isKnown) { return [.refused(error)] }
        if !isKnown {
            // Shapes are few; should they not be, they are only looked at again.
            if possible.value.count >= 1000 { possible.value.removeAll() }
            possible.value.insert(asked.resources)
        }
        var asked = asked
        if asked.timeLimit == nil { asked.timeLimit = queue(of: asked).limits.defaultTimeLimit }
        let request = shared(asked)
        let first = nextJob
        let count = asked.array?.count ?? 1
        nextJob = JobID(first.number + count)
        var isNew = false
        for place in 0..<count {
            let id = JobID(first.number + place)
            let array = asked.array.map { ArrayPlace(first: first, index: $0.index(at: place)) }
            let job = Job(id: id, request: request, array: array, submittedAt: time)
            jobs.insert(job)
            changed.value.insert(id)
            accounts.count(owner(of: asked), jobs: 1)
            link(job)
            setTimers(of: job)
            if job.phase == .pending, enqueueIfReady(job) { isNew = true }
        }
        // Behind equal jobs that wait, a new one changes nothing.
        let actions = asked.dependencies.isEmpty ? [] : endImpossible(from: first, count)
        return [.accepted(first)] + actions + (isNew ? round(after: first) : [])
    }

    /// Equal submissions in a row share one request.
    private func shared(_ request: JobRequest) -> Boxed<JobRequest> {
        if let last = jobs[JobID(nextJob.number - 1)], last.request == request { return last.sharedRequest }
        return Boxed(request)
    }

    /// Ends those that can never start, because what they depend on has ended otherwise.
    private mutating func endImpossible(from first: JobID, _ count: Int) -> [Action] {
        (0..<count).flatMap { endIfImpossible(JobID(first.number + $0)) } + settleLinks()
    }

    func owner(of request: JobRequest) -> Accounts.Owner {
        Accounts.Owner(request, queue: queue(of: request).name)
    }

    // MARK: Reports

    private func staleReport(_ id: JobID, _ attempt: Int) -> Action? {
        guard let job = jobs[id], job.attempt != attempt else { return nil }
        return .ignored(.oldAttempt(id, reported: attempt, current: job.attempt))
    }

    /// A job of several machines has started when all of its parts have.
    mutating func reportStart(_ id: JobID, _ attempt: Int, _ machine: String?) -> [Action] {
        if let wrong = wrongReport(id, attempt, machine) { return [wrong] }
        guard let parts = note(\.startedParts, machine, of: id) else { return change(id, .started) }
        return parts.isEmpty ? change(id, .started) : []
    }

    /// A job of several machines stands still when all of its parts do; until then none of its cores are free.
    mutating func reportSuspension(_ id: JobID, _ attempt: Int, _ machine: String?) -> [Action] {
        if let wrong = wrongReport(id, attempt, machine) { return [wrong] }
        guard let parts = note(\.suspendedParts, machine, of: id) else { return change(id, .suspended) }
        return parts.isEmpty ? change(id, .suspended) : []
    }

    /// A job of several machines has ended when all of its parts have; the first failure ends the others.
    mutating func reportEnd(_ id: JobID, _ attempt: Int, _ outcome: JobOutcome, _ machine: String?)
        -> [Action]
    {
        if let wrong = wrongReport(id, attempt, machine) { return [wrong] }
        guard let parts = note(\.endedParts, machine, of: id), !parts.isEmpty else {
            return change(id, .exited(outcome))
        }
        guard outcome != .exited(code: 0) else { return [] }
        return apply(.stopRequested(.partEnded(outcome)), to: id)
    }

    /// What is wrong with a report: it is late, or its machine has no part of the job.
    private func wrongReport(_ id: JobID, _ attempt: Int, _ machine: String?) -> Action? {
        if let stale = staleReport(id, attempt) { return stale }
        guard let machine, let job = jobs[id], job.phase.holdsResources, let placement = job.placement,
            !placement.machines.contains(machine)
        else { return nil }
        return .ignored(.unknownMachine(machine))
    }

    /// Notes that a part has come so far, and returns the parts that have not; nil for a job of one part.
    private mutating func note(
        _ parts: WritableKeyPath<Job.Run, Set<String>>, _ machine: String?, of id: JobID
    ) -> Set<String>? {
        guard let machine, let job = jobs[id], job.phase.holdsResources, var run = job.run,
            run.placement.parts.count > 1
        else { return nil }
        run[keyPath: parts].insert(machine)
        jobs.update(id) { [run] in $0.run = run }
        changed.value.insert(id)
        return Set(run.placement.machines).subtracting(run[keyPath: parts]).subtracting(run.endedParts)
    }

    mutating func noteCheckpoint(_ id: JobID, _ attempt: Int) -> [Action] {
        if let stale = staleReport(id, attempt) { return [stale] }
        guard let job = jobs[id] else { return [.ignored(.unknownJob(id))] }
        guard job.phase.holdsResources else { return [.ignored(.notAllowed(id, "it does not run"))] }
        let now = time
        jobs.update(id) { $0.run?.checkpointedAt = now }
        changed.value.insert(id)
        return []
    }

    mutating func loseOwner(_ id: JobID) -> [Action] { change(id, .ownerLost) }

    // MARK: Changes

    mutating func change(_ id: JobID, _ event: JobEvent) -> [Action] {
        let actions = apply(event, to: id)
        if case .ignored = actions.first { return actions }
        // Whether a process has started changes nothing for the others.
        return event == .started ? actions : actions + settleLinks() + resetsNowIdle() + round()
    }

    /// A change that needs an agent, which an attached job has not.
    mutating func changeWatched(_ id: JobID, _ event: JobEvent) -> [Action] {
        guard jobs[id]?.request.isAttached == true else { return change(id, event) }
        return [.ignored(.notAllowed(id, "the command that waits for it runs it; cancel it instead"))]
    }

    /// What an owner or operator changes about a job.
    mutating func change(_ id: JobID, _ what: JobChange) -> [Action] {
        guard let job = jobs[id] else { return [.ignored(.unknownJob(id))] }
        guard !job.phase.isEnded else { return [.ignored(.notAllowed(id, "it has ended"))] }
        var request = job.request
        switch what {
        case .priority(let priority): request.priority = priority
        case .timeLimit(let limit): request.timeLimit = limit
        case .begin(let begin): request.timing.begin = begin
        case .queue(let name):
            guard !job.phase.holdsResources else { return [.ignored(.notAllowed(id, "it runs already"))] }
            request.queue = name
        }
        var check = request
        check.dependencies = []
        if let error = firstError(check) { return [.ignored(.notAllowed(id, error.summary))] }
        dequeue(job)
        accounts.count(owner(of: job.request), jobs: -1)
        accounts.count(owner(of: request), jobs: 1)
        jobs.update(id) { job in
            job.request = request
            if case .begin(let begin) = what { job.notBefore = begin }
        }
        changed.value.insert(id)
        guard let changedJob = jobs[id] else { return [] }
        setTimers(of: changedJob)
        if changedJob.phase == .pending { enqueueIfReady(changedJob) }
        return round()
    }

    /// Moves one job along its life cycle, with everything that hangs on it.
    mutating func apply(_ event: JobEvent, to id: JobID) -> [Action] {
        guard let job = jobs[id] else { return [.ignored(.unknownJob(id))] }
        guard let plain = job.phase.next(after: event) else {
            return [.ignored(.impossible(id, event, state: job.phase.stateName))]
        }
        let next = event == .ownerLost ? plain : retry(job, instead: plain)
        let tests = leave(job, towards: next)
        let now = time
        jobs.update(id) { job in
            job.phase = next
            switch event {
            case .started: job.run?.startedAt = now
            case .suspended: job.run?.suspendedAt = now
            case .resumed: job.run?.goOn(at: now)
            default: break
            }
        }
        changed.value.insert(id)
        return tests + enter(next, from: job, after: event)
    }

    /// Back to the queue instead of an end, where the job's `RerunPolicy` says so.
    private func retry(_ job: Job, instead end: JobPhase) -> JobPhase {
        guard case .ended(let how) = end, job.phase.holdsResources else { return end }
        let rerun = job.request.rerun
        switch how {
        case .failed(.exited(rerun.requeueCode)): return rerun.mayRequeue ? .pending : end
        case .lost:
            let mayTryAgain =
                rerun.mayRequeue && !job.request.isAttached && job.failures < policy.lossesAllowed
            return mayTryAgain ? .pending : end
        case .failed, .launchFailed: return job.failures < rerun.retries ? .pending : end
        case .completed, .cancelled, .impossible, .timeout, .deadline, .outOfMemory, .preempted: return end
        }
    }

    private mutating func leave(_ job: Job, towards next: JobPhase) -> [Action] {
        if job.phase == .pending { dequeue(job) }
        guard job.phase.holdsResources else { return [] }
        if !next.holdsResources {
            return giveBack(job)
        } else if next == .suspended {
            give(back: .coresOnly, of: job)
        } else if job.phase == .suspended, let placement = job.placement {
            // Only a stop leads here without its cores; it needs none to end.
            if case .completing = next { return [] }
            take(placement, job, .coresOnly)
        }
        return []
    }

    private mutating func enter(_ phase: JobPhase, from job: Job, after event: JobEvent) -> [Action] {
        guard phase != job.phase else { return [] }
        let now = time
        let id = job.id
        let attempt = job.attempt
        switch phase {
        case .held, .launching: return []
        case .running:
            if let job = jobs[id] { setTimers(of: job) }
            if event == .resumed { return [.resume(id, attempt: attempt)] }
            links.value.moved.append(id)
            return settleLinks()
        case .suspending: return [.suspend(id, attempt: attempt)]
        case .suspended: return []
        case .pending: return goBack(job, after: event)
        case .completing(let reason):
            if job.run?.stopRequestedAt == nil { jobs.update(id) { $0.run?.stopRequestedAt = now } }
            return [.stop(id, attempt: attempt, reason)]
        case .ended(let end):
            jobs.update(id) { $0.endedAt = now }
            accounts.count(owner(of: job.request), jobs: -1)
            learn(from: job, end)
            links.value.moved.append(id)
            ended.append(id)
            return [.ended(id, end)]
        }
    }

    /// Into the queue again, at once or after a pause.
    private mutating func goBack(_ job: Job, after event: JobEvent) -> [Action] {
        let now = time
        let hasRun = job.phase.holdsResources
        let wasStopped = if case .completing = job.phase { true } else { false }
        jobs.update(job.id) { job in
            guard hasRun else { return }
            job.run = nil
            guard !wasStopped, event.isFailure(with: job.request.rerun) else { return }
            job.failures += 1
            let pause = now + job.request.rerun.pause(after: job.failures)
            job.notBefore = max(pause, job.request.timing.begin ?? pause)
        }
        guard let back = jobs[job.id] else { return [] }
        setTimers(of: back)
        enqueueIfReady(back)
        return hasRun ? [.requeued(job.id)] : []
    }

    /// Forgets the oldest ended jobs, except those that others still depend on.
    mutating func forgetOldJobs() {
        // In one go now and then, because taking the first of a list moves all others.
        let tooMany = ended.count - policy.endedJobsKept
        guard tooMany > policy.endedJobsKept / 4 || (tooMany > 0 && policy.endedJobsKept < 64) else { return }
        let oldest = ended.prefix(tooMany)
        let kept = oldest.filter { isDependedOn($0) }
        for old in oldest where !isDependedOn(old) {
            jobs.remove(old)
            links.value.failedTasks[old] = nil
            changed.value.insert(old)
        }
        ended.replaceSubrange(..<tooMany, with: kept)
    }

    private mutating func learn(from job: Job, _ end: JobEnd) {
        guard end == .completed, let workload = job.request.workload, let run = job.run,
            let started = run.startedAt, let rank = run.placement.ranks.first,
            let machine = machineIndex(run.placement.machine)
        else { return }
        let name = SpeedBook.deviceClass(of: rank, model: inventories[machine].model(of: rank.device))
        speeds.learn(
            SpeedSample(workload: workload, device: name, duration: time - started - run.stoodStill))
    }

    mutating func learn(_ sample: SpeedSample) -> [Action] {
        speeds.learn(sample)
        return []
    }

    // MARK: Resources

    /// The sums that a job's placement counts in.
    mutating func changeLedger(_ quality: QualityOfService, _ body: (inout [FreeResources]) -> Void) {
        if quality == .bestEffort { body(&spare) } else { body(&free) }
    }

    mutating func take(_ placement: Placement, _ job: Job, _ extent: FreeResources.Extent = .everything) {
        guard !placement.usesNamedDevices else { return }
        let machines = machineIndices(of: placement)
        let inventories = inventories
        changeLedger(job.request.resources.quality) {
            $0.take(placement, on: machines, of: inventories, extent)
        }
    }

    private mutating func give(back extent: FreeResources.Extent, of job: Job) {
        guard let placement = job.placement, !placement.usesNamedDevices else { return }
        let machines = machineIndices(of: placement)
        guard machines.count == placement.parts.count else { return }
        let inventories = inventories
        changeLedger(job.request.resources.quality) {
            $0.give(back: placement, on: machines, of: inventories, extent)
        }
    }

    private mutating func giveBack(_ job: Job) -> [Action] {
        if let spot = activeJobs.firstIndex(of: job.id) { activeJobs.remove(at: spot) }
        guard let placement = job.placement else { return [] }
        give(back: job.hasCores ? .everything : .allButCores, of: job)
        let tests = freeDevices(of: job.id)
        accounts.count(owner(of: job.request), placement, sign: -1, at: time)
        if let array = job.array, job.request.array?.limit != nil {
            links.value.arrayUse[array.first, default: 0] -= 1
        }
        return tests
    }
}

extension Job {
    /// Whether it has its cores while it holds resources: a job that was stopped while it stood still has not.
    var hasCores: Bool { run.map { $0.suspendedAt == nil } ?? true }
}

extension Job.Run {
    fileprivate mutating func goOn(at now: TimePoint) {
        if let suspendedAt { stoodStill += now - suspendedAt }
        suspendedAt = nil
        suspendedParts = []
        wantsResume = false
    }
}

extension JobEvent {
    /// Whether an attempt that ends like this counts as failed.
    fileprivate func isFailure(with rerun: RerunPolicy) -> Bool {
        switch self {
        case .exited(.exited(0)), .exited(.exited(rerun.requeueCode)): false
        case .exited, .machineLost: true
        default: false
        }
    }
}

extension RerunPolicy {
    /// The pause after so many failures: it doubles each time, up to an hour.
    func pause(after failures: Int) -> Duration {
        let doublings = min(max(0, failures - 1), 20)
        return min(.seconds(3600), .nanoseconds(backoff.nanoseconds &* Int64(1 << doublings)))
    }
}
