import Essentials
import Scheduling

/// Sees everything that happens in a world, and says what should never have happened.
///
/// It keeps its own books from events and actions, and believes the state only in what it compares.
struct Watcher {
    /// Found since the last look.
    private(set) var problems: [String] = []

    /// Attempts that have processes, by machine.
    private var alive: [String: Set<Reconciliation.Attempt>] = [:]
    /// Every attempt that was ever begun on a machine, so that none is begun twice.
    private var begun: [String: Set<Reconciliation.Attempt>] = [:]
    private var attempts: [JobID: Int] = [:]
    private var accepted: Set<JobID> = []
    private var ends: [JobID: JobEnd] = [:]
    private var highest = 0
    /// Jobs of which a machine was given up, so that old processes may still run there.
    private var givenUp: Set<JobID> = []

    mutating func noteBegun(_ attempt: Reconciliation.Attempt, on machine: String) {
        if begun[machine, default: []].contains(attempt) {
            problems.append("attempt \(attempt.job).\(attempt.attempt) was begun twice on \(machine)")
        }
        for (other, there) in alive {
            for running in there where running.job == attempt.job && running.attempt != attempt.attempt {
                guard !givenUp.contains(attempt.job) else { continue }
                problems.append(
                    "job \(attempt.job) was begun as attempt \(attempt.attempt) while \(running.attempt) runs on \(other)"
                )
            }
        }
        begun[machine, default: []].insert(attempt)
        alive[machine, default: []].insert(attempt)
    }

    mutating func noteGone(_ attempt: Reconciliation.Attempt, on machine: String) {
        alive[machine]?.remove(attempt)
    }

    mutating func note(
        _ event: Event, _ actions: [Action], before: ClusterState, after: ClusterState, at now: TimePoint
    ) {
        if case .machineLost(let name) = event {
            for job in before.activeJobs where before.jobs[job]?.placement?.machines.contains(name) == true {
                givenUp.insert(job)
            }
        }
        for action in actions {
            switch action {
            case .accepted(let job): accept(job, event)
            case .start(let job, let attempt, let placement):
                noteStart(job, attempt, placement, before: before, after: after, at: now)
            case .stop(let job, _, let reason): noteStop(job, reason, before: before, after: after, at: now)
            case .ended(let job, let end): noteEnd(job, end)
            default: break
            }
        }
        if after.time < before.time { problems.append("time went back") }
        if after.nextJob < before.nextJob { problems.append("numbers went back") }
    }

    private mutating func accept(_ job: JobID, _ event: Event) {
        guard case .submitted(let request) = event else { return }
        let count = request.array?.count ?? 1
        if job.number <= highest { problems.append("number \(job) was given twice") }
        for number in job.number..<job.number + count { accepted.insert(JobID(number)) }
        highest = job.number + count - 1
    }

    private mutating func noteEnd(_ job: JobID, _ end: JobEnd) {
        if ends[job] != nil { problems.append("job \(job) ended twice") }
        ends[job] = end
    }

    // MARK: Starts

    private mutating func noteStart(
        _ id: JobID, _ attempt: Int, _ placement: Placement, before: ClusterState, after: ClusterState,
        at now: TimePoint
    ) {
        func complain(_ what: String) { problems.append("job \(id) started \(what)") }
        guard let job = after.jobs[id] else { return complain("and is not known") }
        if attempt != (attempts[id] ?? 0) + 1 { complain("as attempt \(attempt) after \(attempts[id] ?? 0)") }
        attempts[id] = attempt
        if ends[id] != nil { complain("after its end") }
        let request = job.request
        if let begin = request.timing.begin, after.time < begin { complain("before its time") }
        if let deadline = request.timing.deadline, let limit = request.timeLimit,
            after.time + limit > deadline
        {
            complain("too late for its deadline")
        }
        for dependency in request.dependencies { checkDependency(dependency, of: job, after, complain) }
        if let limit = request.array?.limit, let array = job.array {
            let running = after.activeJobs.count { after.jobs[$0]?.array?.first == array.first }
            if running > limit { complain("as task \(running) of an array that may have \(limit)") }
        }
        for part in placement.parts { checkMachine(part, request, after, complain) }
        let queue = after.queues.first { $0.name == request.queue ?? Queue.first }
        if queue?.isStarted == false { complain("from a stopped queue") }
        if placement.ranks.count != request.resources.ranks { complain("without all of its ranks") }
    }

    private func checkDependency(
        _ dependency: Dependency, of job: Job, _ state: ClusterState, _ complain: (String) -> Void
    ) {
        switch dependency.kind {
        case .after:
            for other in dependency.jobs where attempts[other] == nil && ends[other] == nil {
                complain("before job \(other) had")
            }
        case .afterany:
            for other in dependency.jobs where ends[other] == nil {
                complain("before the end of job \(other)")
            }
        case .afterok:
            for other in dependency.jobs where ends[other] != .completed {
                complain("although job \(other) has not completed")
            }
        case .afternotok, .aftercorr:
            for other in dependency.jobs where dependency.kind == .afternotok && ends[other] == nil {
                complain("before the end of job \(other)")
            }
        case .singleton:
            let label = job.request.label
            for other in state.jobs.all
            where other.id < job.id && !other.phase.isEnded && other.request.label.user == label.user
                && other.request.label.name == label.name
            {
                complain("although job \(other.id) of its name is there")
            }
        }
    }

    private func checkMachine(
        _ part: Placement.Part, _ request: JobRequest, _ state: ClusterState, _ complain: (String) -> Void
    ) {
        guard let index = state.inventories.firstIndex(where: { $0.machine.name == part.machine }) else {
            return complain("on a machine that is not there")
        }
        let (machine, status) = (state.inventories[index].machine, state.status[index])
        // By the facts themselves, and not by what the scheduler makes of them.
        if let why = status.drainedBecause { complain("on \(part.machine), which is drained: \(why)") }
        if status.isSilent { complain("on \(part.machine), which is silent") }
        for fault in status.faults where fault.part.device == nil && !fault.level.takesNewWork {
            complain("on \(part.machine), which is \(fault.level)")
        }
        for fault in status.faults where !fault.level.takesNewWork {
            for rank in part.ranks {
                let isNode =
                    fault.part.device?.kind == "cpu"
                    && rank.numaNodes.contains(fault.part.device?.index ?? -1)
                if rank.device == fault.part.device || isNode {
                    complain("on \(fault.part), which takes no work")
                }
            }
        }
        let asked = request.resources
        if let wanted = asked.machines, !wanted.contains(part.machine) {
            complain("on a machine it did not ask for")
        }
        if let wanted = asked.machineClass, wanted != machine.machineClass {
            complain("on a machine of another class")
        }
        if asked.isolation == .hard, asked.deviceKind == "cpu", machine.enforcement["memory"] != .hard {
            complain("where nothing holds it hard")
        }
    }

    // MARK: Stops

    private mutating func noteStop(
        _ id: JobID, _ reason: StopReason, before: ClusterState, after: ClusterState, at now: TimePoint
    ) {
        guard case .preempted(let other, _) = reason, let victim = before.jobs[id],
            let winner = after.jobs[other]
        else { return }
        let queues = after.queues
        func queue(_ job: Job) -> Queue? { queues.first { $0.name == job.request.queue ?? Queue.first } }
        guard let low = queue(victim), let high = queue(winner) else { return }
        if low.tier >= high.tier { problems.append("job \(id) gave way to job \(other), which is no higher") }
        if low.preemption.mode == .off { problems.append("job \(id) gave way, but its queue never does") }
        if let placed = victim.placedAt, after.time - placed < low.preemption.minimumRun {
            problems.append("job \(id) gave way too young")
        }
    }

    // MARK: Whole states

    /// What costs time to look at.
    func thoroughProblems(_ state: ClusterState) -> [String] {
        var found = Books(state: state).problems
        if let problem = state.inconsistency() { found.append(problem) }
        for id in state.waitingJobs where state.waitReason(of: id) == nil {
            found.append("job \(id) waits for no reason")
        }
        var copy = state
        if copy.roundRest == nil, copy.nextWakeUp.map({ $0 > copy.time }) ?? true {
            for case .start(let job, _, _) in copy.on(.timePassed, at: state.time)
            where !followsShares(job, state) {
                found.append("job \(job) was left waiting")
            }
        }
        return found
    }

    /// Whose turn it is under fair share changes with time alone, and is found out with the next event.
    private func followsShares(_ job: JobID, _ state: ClusterState) -> Bool {
        let name = state.jobs[job]?.request.queue ?? Queue.first
        return state.queues.first { $0.name == name }?.order == .fairShare
    }

    /// What differs between a state and the one that was made anew after a crash.
    func difference(between recovered: ClusterState, and state: ClusterState) -> String? {
        if recovered.jobs != state.jobs {
            let wrong = state.jobs.all.first { recovered.jobs[$0.id] != $0 }
            let other = wrong.flatMap { recovered.jobs[$0.id] }
            return
                "after a crash job \(wrong.map { "\($0.id)" } ?? "?") is different: \(wrong as Any) and \(other as Any)"
        }
        if recovered.free != state.free || recovered.spare != state.spare {
            return "after a crash the sums differ"
        }
        if recovered.activeJobs != state.activeJobs { return "after a crash other jobs are active" }
        if recovered.nextJob != state.nextJob { return "after a crash numbers go on elsewhere" }
        if recovered.devices != state.devices { return "after a crash the virtual devices differ" }
        return recovered.accounts == state.accounts ? nil : "after a crash the accounts differ"
    }

    /// When everything is over.
    func finalProblems(_ state: ClusterState, _ agents: [String: WorldAgent]) -> [String] {
        var found = thoroughProblems(state)
        for job in state.jobs.all where !job.phase.isEnded {
            found.append("job \(job.id) is \(job.phase.stateName) for ever")
        }
        for id in accepted.sorted() where ends[id] == nil {
            found.append("job \(id) was accepted and never ended")
        }
        for (name, agent) in agents.sorted(by: { $0.key < $1.key }) {
            for attempt in agent.living {
                found.append("attempt \(attempt.job).\(attempt.attempt) runs on \(name) for ever")
            }
        }
        return found
    }
}
