package import Essentials

/// Machines, jobs and who has what: the state that `on(_:at:)` alone can change.
///
/// It is a value without clock, threads or files. The owner hands it each event with the time, keeps both in its
/// record if it wants history, and carries out the actions. The same events in the same order give an equal state and
/// equal actions, which is recovery, simulation and audit in one.
package struct ClusterState: Hashable, Codable, Sendable {
    package let policy: SchedulingPolicy
    package private(set) var inventories: [Inventory] = []
    /// What is not lent, one entry per machine.
    package private(set) var free: [FreeResources] = []
    package private(set) var jobs = JobList()
    /// The jobs that hold resources, in rising order.
    package private(set) var activeJobs: [JobID] = []
    package private(set) var promise: PromisedStart?
    /// The number of the next job; numbers are never used twice.
    package private(set) var nextJob: JobID
    /// The time of the last event; it never goes back.
    package private(set) var time = TimePoint.zero
    private(set) var queue = PendingQueue()
    /// Ended jobs in the order of their ends, the next to be forgotten first.
    private var ended: [JobID] = []

    package init(policy: SchedulingPolicy = SchedulingPolicy(), firstJob: JobID = JobID(1)) {
        self.policy = policy
        nextJob = firstJob
    }

    /// Takes in what happened and says what to do about it.
    ///
    /// A time before the last event's counts as that event's time.
    package mutating func on(_ event: Event, at now: TimePoint) -> [Action] {
        time = max(time, now)
        return switch event {
        case .machineJoined(let machine): join(machine)
        case .machineLost(let name): lose(machine: name)
        case .submitted(let request): submit(request)
        case .held(let job): change(job, .held)
        case .released(let job): change(job, .released)
        case .started(let job, let attempt, _): report(job, attempt, .started)
        case .exited(let job, let attempt, let outcome, _): report(job, attempt, .exited(outcome))
        case .cancelRequested(let job): change(job, .stopRequested(.cancelled))
        case .requeueRequested(let job): change(job, .stopRequested(.requeue))
        case .ownerLost(let job): change(job, .ownerLost)
        case .timePassed: stopOverdueJobs() + round()
        default: []
        }
    }

    /// When `timePassed` is due next, if ever: the first time limit of a running job.
    package var nextDeadline: TimePoint? { activeJobs.compactMap { jobs[$0]?.deadline }.min() }

    package var waitingJobs: [JobID] { queue.classes.flatMap(\.members).sorted() }

    /// Why a job waits, or nil when it does not.
    package func waitReason(of id: JobID) -> WaitReason? {
        guard let job = jobs[id] else { return nil }
        if job.phase == .held { return .held }
        guard job.phase == .pending, let place = queue.place(of: job.request) else { return nil }
        return queue.classes[place].reason
    }

    /// What is wrong with a request, or nil when it can be met here.
    package func firstError(_ request: JobRequest) -> RequestError? {
        RequestCheck(inventories: inventories).firstError(request)
    }
}

// Machines.
extension ClusterState {
    private mutating func join(_ machine: Machine) -> [Action] {
        let inventory = Inventory(machine)
        guard let index = inventories.firstIndex(where: { $0.machine.name == machine.name }) else {
            inventories.append(inventory)
            free.append(FreeResources(all: inventory))
            return round()
        }
        guard inventories[index] != inventory else { return [] }
        guard activeJobs.allSatisfy({ jobs[$0]?.placement?.machine != machine.name }) else {
            return [.ignored(.machineBusy(machine.name))]
        }
        inventories[index] = inventory
        free[index] = FreeResources(all: inventory)
        return round()
    }

    private mutating func lose(machine name: String) -> [Action] {
        guard let index = inventories.firstIndex(where: { $0.machine.name == name }) else {
            return [.ignored(.unknownMachine(name))]
        }
        let gone = activeJobs.filter { jobs[$0]?.placement?.machine == name }
        let actions = gone.flatMap { apply(.ownerLost, to: $0) }
        inventories.remove(at: index)
        free.remove(at: index)
        return actions + round()
    }
}

// Jobs.
extension ClusterState {
    private mutating func submit(_ request: JobRequest) -> [Action] {
        if let error = firstError(request) { return [.refused(error)] }
        let id = nextJob
        nextJob = JobID(id.number + 1)
        jobs.append(Job(id: id, request: request, submittedAt: time))
        let (place, isNew) = queue.insert(id, request)
        // Behind equal jobs that wait, a new one changes nothing.
        guard isNew || queue.classes[place].reason == nil else { return [.accepted(id)] }
        return [.accepted(id)] + round(after: id, request)
    }

    /// A report about an attempt, which may be late.
    private mutating func report(_ id: JobID, _ attempt: Int, _ event: JobEvent) -> [Action] {
        if let job = jobs[id], job.attempt != attempt {
            return [.ignored(.oldAttempt(id, reported: attempt, current: job.attempt))]
        }
        return change(id, event)
    }

    private mutating func change(_ id: JobID, _ event: JobEvent) -> [Action] {
        let actions = apply(event, to: id)
        if case .ignored = actions.first { return actions }
        // Whether a process has started changes nothing for the others.
        return event == .started ? actions : actions + round()
    }

    private mutating func stopOverdueJobs() -> [Action] {
        let overdue = activeJobs.filter { jobs[$0]?.deadline.map { $0 <= time } ?? false }
        return overdue.flatMap { apply(.stopRequested(.timeLimit), to: $0) }
    }

    /// Moves one job along its life cycle, with everything that hangs on it.
    private mutating func apply(_ event: JobEvent, to id: JobID) -> [Action] {
        guard let job = jobs[id] else { return [.ignored(.unknownJob(id))] }
        guard let next = job.phase.next(after: event) else {
            return [.ignored(.impossible(id, event, state: job.phase.stateName))]
        }
        leave(job, towards: next)
        let now = time
        jobs.update(id) { job in
            job.phase = next
            if event == .started { job.startedAt = now }
        }
        return enter(next, from: job)
    }

    private mutating func leave(_ job: Job, towards next: JobPhase) {
        if job.phase == .pending { queue.remove(job.id, job.request) }
        if job.phase.holdsResources, !next.holdsResources { giveBack(job) }
    }

    private mutating func enter(_ phase: JobPhase, from job: Job) -> [Action] {
        guard phase != job.phase else { return [] }
        let now = time
        switch phase {
        case .held, .launching, .running, .suspending, .suspended: return []
        case .pending:
            _ = queue.insert(job.id, job.request)
            guard job.phase != .held else { return [] }
            jobs.update(job.id) { $0.forgetAttempt() }
            return [.requeued(job.id)]
        case .completing(let reason):
            jobs.update(job.id) { $0.stopRequestedAt = $0.stopRequestedAt ?? now }
            return [.stop(job.id, attempt: job.attempt, reason)]
        case .ended(let end):
            jobs.update(job.id) { $0.endedAt = now }
            forgetOldJobs(after: job.id)
            return [.ended(job.id, end)]
        }
    }

    private mutating func giveBack(_ job: Job) {
        activeJobs.removeAll { $0 == job.id }
        guard let placement = job.placement, let machine = machineIndex(of: placement) else { return }
        free[machine].give(back: placement, of: inventories[machine])
    }

    private mutating func forgetOldJobs(after id: JobID) {
        ended.append(id)
        while ended.count > policy.endedJobsKept { jobs.remove(ended.removeFirst()) }
    }

    private func machineIndex(of placement: Placement) -> Int? {
        inventories.firstIndex { $0.machine.name == placement.machine }
    }
}

// Rounds: starting what can start.
extension ClusterState {
    private var placer: Placer { Placer(inventories: inventories, policy: policy.placement) }

    /// Looks at every class.
    private mutating func round() -> [Action] {
        promise = nil
        return run(RoundOrder(queue), reservation: nil)
    }

    /// Looks at what one new job changes: only itself when it stands behind the reserved job.
    private mutating func round(after id: JobID, _ request: JobRequest) -> [Action] {
        let head = RoundOrder.Head(priority: request.priority, job: id, key: PendingQueue.Key(request))
        guard let promise, let reserved = jobs[promise.job], reserved.request.priority >= request.priority,
            let reservation = reservation(for: reserved.id, placer: placer)
        else { return round() }
        self.promise?.start = reservation.start
        return run(RoundOrder(only: head), reservation: reservation)
    }

    private mutating func run(_ order: RoundOrder, reservation: Reservation?) -> [Action] {
        var round = Round(order: order, placer: placer, reservation: reservation)
        var actions: [Action] = []
        while let head = round.order.next() { actions += consider(head, in: &round) }
        // A backfilled job may move the reserved place, and what was in the way of it before may fit now.
        return round.hasBackfilled ? actions + self.round() : actions
    }

    private struct Round {
        var order: RoundOrder
        let placer: Placer
        var reservation: Reservation?
        /// Shapes that do not fit on what is free; in a round less and less is free, so they stay so.
        var blocked: [ResourceRequest: WaitReason] = [:]
        var hasBackfilled = false
    }

    private mutating func consider(_ head: RoundOrder.Head, in round: inout Round) -> [Action] {
        let resources = head.key.resources
        if let reason = round.blocked[resources] { return wait(head, reason) }
        guard let reservation = round.reservation else {
            if let found = round.placer.place(resources, on: free) { return start(head, found, in: &round) }
            return reserve(head, in: &round)
        }
        let policy = policy.queue.policy
        let room = policy.room(
            forJobLimitedTo: head.key.timeLimit, behind: reservation, free: free, at: time)
        if let room, let found = round.placer.place(resources, on: room) {
            return start(head, found, in: &round)
        }
        return wait(head, whyBehind(resources, reservation, in: &round))
    }

    private mutating func reserve(_ head: RoundOrder.Head, in round: inout Round) -> [Action] {
        let reason = round.placer.whyNot(head.key.resources, on: free)
        round.blocked[head.key.resources] = reason
        round.reservation = reservation(for: head.job, placer: round.placer)
        promise = round.reservation.map { PromisedStart(job: $0.job, start: $0.start) }
        return wait(head, reason)
    }

    private func whyBehind(
        _ resources: ResourceRequest, _ reservation: Reservation, in round: inout Round
    ) -> WaitReason {
        if round.placer.place(resources, on: free) != nil {
            return .behind(reservation.job, expectedStart: reservation.start)
        }
        let reason = round.placer.whyNot(resources, on: free)
        round.blocked[resources] = reason
        return reason
    }

    private mutating func start(
        _ head: RoundOrder.Head, _ found: Placer.Found, in round: inout Round
    ) -> [Action] {
        let now = time
        guard let job = jobs[head.job], let next = job.phase.next(after: .placed) else {
            preconditionFailure("a queued job is pending")
        }
        leave(job, towards: next)
        let attempt = jobs.update(head.job) { job in
            job.phase = next
            job.attempt += 1
            job.placedAt = now
            job.placement = found.placement
            job.decision = found.decision
            return job.attempt
        }
        free[found.machine].take(found.placement, of: inventories[found.machine])
        activeJobs.insert(head.job, at: activeJobs.firstIndex(notBefore: head.job, key: \.self))
        if let reserved = round.reservation?.job {
            round.reservation = reservation(for: reserved, placer: round.placer)
            round.hasBackfilled = true
        }
        lookAtNextMember(of: head, in: &round)
        return [.start(head.job, attempt: attempt, found.placement)]
    }

    /// The promise to a blocked job as things are now; by the rule of backfill it never moves to later.
    private func reservation(for id: JobID, placer: Placer) -> Reservation? {
        guard let job = jobs[id] else { return nil }
        return makeReservation(
            for: job.id, job.request.resources, placer: placer, free: free, releases: expectedReleases)
    }

    private func lookAtNextMember(of head: RoundOrder.Head, in round: inout Round) {
        guard let place = queue.place(of: head.key) else { return }
        var next = head
        next.job = queue.classes[place].members[0]
        round.order.insert(next)
    }

    private mutating func wait(_ head: RoundOrder.Head, _ reason: WaitReason) -> [Action] {
        guard let place = queue.place(of: head.key), queue.classes[place].reason != reason else { return [] }
        queue.set(reason, forClass: place)
        return [.waits(head.job, reason)]
    }

    private var expectedReleases: [ExpectedRelease] {
        activeJobs.compactMap { id in
            guard let job = jobs[id], let placement = job.placement,
                let machine = machineIndex(of: placement)
            else { return nil }
            return ExpectedRelease(
                time: job.expectedEnd(at: time, stopGrace: policy.stopGrace), job: id,
                placement: placement, machine: machine)
        }
    }
}

extension Job {
    /// Goes back to waiting; the number of attempts and the time of submission stay.
    fileprivate mutating func forgetAttempt() {
        placedAt = nil
        startedAt = nil
        stopRequestedAt = nil
        placement = nil
        decision = nil
    }
}
