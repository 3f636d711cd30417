package import Essentials
internal import HeapModule

/// Machines, queues, jobs and who has what: the state that `on(_:at:)` alone can change.
///
/// It is a value without clock, threads or files. The owner hands it each event with the time, keeps both in its
/// record if it wants history, and carries out the actions. The same events in the same order give an equal state and
/// equal actions, which is recovery, simulation and audit in one. A store may also keep the `frame` and the jobs, and
/// make the state anew from them.
package struct ClusterState: Hashable, Sendable {
    package let policy: SchedulingPolicy
    package internal(set) var inventories: [Inventory] = []
    /// What is not lent, one entry per machine.
    package internal(set) var free: [FreeResources] = []
    /// What is not lent to jobs of the quality `bestEffort`, one entry per machine.
    package internal(set) var spare: [FreeResources] = []
    package internal(set) var status: [MachineStatus] = []
    /// Queues in the order in which rounds look at them: higher tiers first.
    package internal(set) var queues: [Queue]
    package internal(set) var accounts: Accounts
    /// Virtual devices by name, in the order of their names.
    package internal(set) var devices: [NamedDevice] = []
    package internal(set) var speeds = SpeedBook()
    package internal(set) var jobs = JobList()
    /// The jobs that hold resources, in rising order.
    package internal(set) var activeJobs: [JobID] = []
    /// The next start of each queue's first blocked job, in the order of the queues.
    package internal(set) var promises: [PromisedStart] = []
    /// The number of the next job; numbers are never used twice.
    package internal(set) var nextJob: JobID
    /// The time of the last event; it never goes back.
    package internal(set) var time = TimePoint.zero
    /// Ended jobs in the order of their ends, the next to be forgotten first.
    var ended: [JobID] = []
    /// Where the last round stopped looking, when it stopped early.
    package internal(set) var roundRest: RoundRest?

    var waiting = Derived(WaitingJobs())
    var timers = Derived(Heap<Timer>())
    var links = Derived(JobLinks())
    var changed = Derived(Set<JobID>())
    /// Resource requests that an empty machine holds, until a machine changes.
    var possible = Derived(Set<ResourceRequest>())

    /// A moment at which a job wants to be looked at.
    struct Timer: Comparable, Sendable {
        var time: TimePoint
        var job: JobID

        static func < (left: Timer, right: Timer) -> Bool {
            (left.time, left.job) < (right.time, right.job)
        }
    }

    package init(policy: SchedulingPolicy = SchedulingPolicy(), firstJob: JobID = JobID(1)) {
        self.policy = policy
        nextJob = firstJob
        queues = [Queue(name: Queue.first, backfill: policy.queue, placement: policy.placement)]
        accounts = Accounts(halfLife: policy.halfLife)
    }

    /// Takes in what happened and says what to do about it.
    ///
    /// A time before the last event's counts as that event's time.
    package mutating func on(_ event: Event, at now: TimePoint) -> [Action] {
        time = max(time, now)
        return switch event {
        case .machineJoined(let machine): join(machine)
        case .machineLost(let name): lose(machine: name)
        case .machineSilent(let name): changeStatus(of: name) { $0.isSilent = true }
        case .machineHeard(let name): changeStatus(of: name) { $0.isSilent = false }
        case .drained(let name, let why): changeStatus(of: name) { $0.drainedBecause = why }
        case .undrained(let name): changeStatus(of: name) { $0.drainedBecause = nil }
        case .healthChanged(let part, let level, let why): setHealth(level, of: part, why)
        case .resetEnded(let part, let failure): endReset(of: part, failure: failure)
        case .submitted(let request): submit(request)
        case .held(let job): change(job, .held)
        case .released(let job): change(job, .released)
        case .changed(let job, let what): change(job, what)
        case .started(let job, let attempt, let machine): reportStart(job, attempt, machine)
        case .exited(let job, let attempt, let outcome, let machine):
            reportEnd(job, attempt, outcome, machine)
        case .cancelRequested(let job): change(job, .stopRequested(.cancelled))
        case .requeueRequested(let job): changeWatched(job, .stopRequested(.requeue))
        case .suspendRequested(let job): changeWatched(job, .suspendRequested)
        case .suspended(let job, let attempt, let machine): reportSuspension(job, attempt, machine)
        case .resumeRequested(let job): requestResume(job)
        case .checkpointed(let job, let attempt): noteCheckpoint(job, attempt)
        case .ownerLost(let job): loseOwner(job)
        case .queueSet(let queue): set(queue)
        case .queueRemoved(let name): removeQueue(name)
        case .quotaSet(let account, let settings): set(settings, for: account)
        case .deviceMade(let request): make(request)
        case .deviceResized(let name, let amounts): resize(name, to: amounts)
        case .deviceTested(let name, let test): note(test, of: name)
        case .deviceDeleted(let name): deleteDevice(name)
        case .speedMeasured(let sample): learn(sample)
        case .timePassed: passTime()
        }
    }

    /// When `timePassed` is due next, if ever: a limit, a begin time, a retry, or the rest of a round.
    ///
    /// It may come too early, and `timePassed` then does nothing.
    package var nextWakeUp: TimePoint? {
        roundRest == nil ? timers.value.min?.time : time
    }

    /// The promise that comes first.
    package var promise: PromisedStart? { promises.first }

    package var waitingJobs: [JobID] {
        jobs.all.filter { $0.phase == .pending }.map(\.id)
    }

    /// How many jobs wait, held ones included.
    package var waitingCount: Int { jobs.count - activeJobs.count - ended.count }

    /// Why a job waits, or nil when it does not.
    package func waitReason(of id: JobID) -> WaitReason? {
        guard let job = jobs[id] else { return nil }
        if job.phase == .held { return .held }
        guard job.phase == .pending else { return nil }
        if let reason = delay(of: job) { return reason }
        guard let number = waiting.value.number(of: key(of: job)), let found = waiting.value.classes[number]
        else { return .roundFull }
        return found.reason ?? reasonNow(for: job)
    }

    /// What is wrong with a request, or nil when it can be met here.
    package func firstError(_ request: JobRequest) -> RequestError? {
        firstError(request, fitsForSure: false)
    }

    /// Whether an empty machine has room need not be asked again for an equal request.
    func firstError(_ request: JobRequest, fitsForSure: Bool) -> RequestError? {
        RequestCheck(inventories: inventories).firstError(request, fitsForSure: fitsForSure)
            ?? queueError(request) ?? dependencyError(request) ?? deviceError(request)
    }

    /// How many jobs changed since `takeChangedJobs` was last asked.
    package var changedCount: Int { changed.value.count }

    /// The jobs that changed since this was last asked, in rising order, for a store to write.
    package mutating func takeChangedJobs() -> [JobID] {
        defer { changed.value.removeAll(keepingCapacity: true) }
        return changed.value.sorted()
    }
}

extension Queue {
    /// The name of the queue that is there from the beginning.
    package static let first = "default"
}
