import Essentials
import Scheduling
import TestSupport

/// Runs jobs against a cluster state in virtual time, playing the agent that starts and stops processes.
///
/// Everything random is drawn from one seed, and what happens at the same moment happens in the order it was planned,
/// so a run can be repeated to the byte.
struct Simulation {
    private(set) var state: ClusterState
    private(set) var log: [(time: TimePoint, event: Event)] = []
    private(set) var actionLog: [String] = []
    private(set) var refused: [RequestError] = []
    /// The first promise that each job got, and every later one.
    private(set) var promises: [JobID: [TimePoint]] = [:]

    private var plan: [Planned] = []
    private var sequence = 0
    private var now = TimePoint.zero
    private var runTimes: [JobID: Duration] = [:]
    private var random: SeededGenerator
    private let mischief: Mischief

    private struct Planned {
        var time: TimePoint
        var sequence: Int
        var event: Event
        /// How long the job of a submission would run.
        var runTime: Duration?
    }

    init(
        _ machines: [Machine], _ jobs: [SimulatedJob], _ mischief: Mischief, seed: UInt64,
        policy: SchedulingPolicy = SchedulingPolicy(endedJobsKept: .max)
    ) {
        state = ClusterState(policy: policy)
        random = SeededGenerator(seed: seed, purpose: "simulation")
        self.mischief = mischief
        for machine in machines { add(.machineJoined(machine), at: .zero) }
        for job in jobs { add(.submitted(job.request), at: job.arrival, runTime: job.runTime) }
    }

    /// Takes the next planned event, or returns false when nothing is left to happen.
    mutating func step() -> Bool {
        guard let next = takeNext() else { return false }
        now = next.time
        log.append((now, next.event))
        let actions = state.on(next.event, at: now)
        for action in actions { carryOut(action, of: next) }
        actionLog.append("\(now.nanoseconds) \(next.event) -> \(actions)")
        if let promise = state.promise, let start = promise.start {
            promises[promise.job, default: []].append(start)
        }
        return true
    }

    private mutating func add(_ event: Event, at time: TimePoint, runTime: Duration? = nil) {
        plan.append(Planned(time: time, sequence: sequence, event: event, runTime: runTime))
        sequence += 1
    }

    /// Time limits count as planned too.
    private mutating func takeNext() -> Planned? {
        let first = plan.indices.min {
            (plan[$0].time, plan[$0].sequence) < (plan[$1].time, plan[$1].sequence)
        }
        // At the same moment an exit comes before the limit: the job was in time.
        if let deadline = state.nextWakeUp, first.map({ deadline < plan[$0].time }) ?? true {
            return Planned(time: deadline, sequence: 0, event: .timePassed)
        }
        return first.map { plan.remove(at: $0) }
    }

    private mutating func carryOut(_ action: Action, of cause: Planned) {
        switch action {
        case .accepted(let job):
            runTimes[job] = cause.runTime ?? .seconds(1)
            if mischief.interferes { plotAgainst(job) }
        case .refused(let error): refused.append(error)
        case .start(let job, let attempt, _):
            let runTime = runTimes[job] ?? .seconds(1)
            add(.started(job, attempt: attempt), at: now + min(.milliseconds(5), runTime))
            add(.exited(job, attempt: attempt, randomOutcome()), at: now + runTime)
        case .stop(let job, let attempt, _):
            let grace = Duration.milliseconds(random.below(9000))
            add(.exited(job, attempt: attempt, .signalled(15)), at: now + grace)
        case .waits, .ended, .requeued, .ignored, .suspend, .resume, .resize, .test, .reset, .deleteDevice:
            break
        }
    }

    private mutating func plotAgainst(_ job: JobID) {
        let when = now + .milliseconds(random.below(30_000))
        switch random.below(20) {
        case 0: add(.cancelRequested(job), at: when)
        case 1: add(.requeueRequested(job), at: when)
        case 2: add(.ownerLost(job), at: when)
        case 3:
            add(.held(job), at: when)
            add(.released(job), at: when + .milliseconds(random.below(20_000)))
        case 4: add(.exited(job, attempt: 0, .exited(code: 0)), at: when)
        default: break
        }
    }

    private mutating func randomOutcome() -> JobOutcome {
        switch random.below(10) {
        // Below the code that asks to be queued again.
        case 0: .exited(code: Int32(1 + random.below(80)))
        case 1: .signalled(9)
        case 2: .outOfMemory(MemoryDeath(.host))
        default: .exited(code: 0)
        }
    }
}
