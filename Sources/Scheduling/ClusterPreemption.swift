package import Essentials

// Making room: which jobs of lower tiers give way, and how.
//
// The victims are those whose end loses the least work, as the time since they last saved it times their cores. For
// each machine jobs are taken away in that order until the blocked job fits, and those that turn out not to be in the
// way stay; the machine where the least is lost is taken. Nobody gives way twice for the same job.
extension ClusterState {
    /// Asks jobs to give way to a blocked one, and returns them; none when that would not help.
    mutating func makeRoom(
        for job: Job, _ wish: Placer.Wish, _ queue: Queue, _ placer: Placer
    ) -> ([Action], [JobID]) {
        guard queues.contains(where: { $0.tier < queue.tier && $0.preemption.mode != .off }) else {
            return ([], [])
        }
        let leaving = activeJobs.filter { jobs[$0]?.isGivingWay(to: job.id) ?? false }
        guard leaving.isEmpty else { return ([], leaving) }
        let candidates = candidates(below: queue.tier)
        guard !candidates.isEmpty else {
            wakeWhenOldEnough(job.id, below: queue.tier)
            return ([], [])
        }
        guard let victims = cheapestVictims(for: wish, placer, candidates) else { return ([], []) }
        return (victims.flatMap { giveWay($0, to: job.id) }, victims.map(\.id).sorted())
    }

    private func candidates(below tier: Int) -> [Job] {
        let now = time
        let found = activeJobs.compactMap { id -> (risk: Double, job: Job)? in
            guard let job = jobs[id], mayGiveWay(job, below: tier), isOldEnough(job) else { return nil }
            return (job.workAtRisk(at: now), job)
        }
        return found.sorted { ($0.risk, $1.job.id) < ($1.risk, $0.job.id) }.map(\.job)
    }

    private func mayGiveWay(_ job: Job, below tier: Int) -> Bool {
        let queue = queue(of: job.request)
        guard queue.tier < tier, queue.preemption.mode != .off, job.request.resources.quality != .bestEffort,
            job.placement?.usesNamedDevices == false
        else { return false }
        guard queue.preemption.mode == .suspend else {
            return job.phase == .running || job.phase == .launching
        }
        // A process that has not begun cannot be stopped in its tracks, nor one that no agent watches.
        return job.phase == .running && !job.request.isAttached
    }

    private func isOldEnough(_ job: Job) -> Bool {
        let minimum = queue(of: job.request).preemption.minimumRun
        return job.placedAt.map { time - $0 >= minimum } ?? false
    }

    /// Jobs that are too young to give way will not be later.
    private mutating func wakeWhenOldEnough(_ id: JobID, below tier: Int) {
        let next = activeJobs.compactMap { other -> TimePoint? in
            guard let job = jobs[other], mayGiveWay(job, below: tier), let placed = job.placedAt else {
                return nil
            }
            return placed + queue(of: job.request).preemption.minimumRun
        }.min()
        if let next, next > time { setTimer(next, id) }
    }

    private func cheapestVictims(for wish: Placer.Wish, _ placer: Placer, _ candidates: [Job]) -> [Job]? {
        var best: (cost: Double, victims: [Job])?
        for machine in inventories.indices where placer.whyClosed(machine, wish.resources) == nil {
            let name = inventories[machine].name
            let here = candidates.filter { $0.placement?.machines.contains(name) ?? false }
            guard let victims = victims(for: wish, placer, on: machine, here) else { continue }
            let cost = victims.reduce(0) { $0 + $1.workAtRisk(at: time) }
            if best.map({ cost < $0.cost }) ?? true { best = (cost, victims) }
        }
        return best?.victims
    }

    private func victims(
        for wish: Placer.Wish, _ placer: Placer, on machine: Int, _ candidates: [Job]
    ) -> [Job]? {
        var room = free
        var taken: [Job] = []
        for job in candidates {
            give(back: job, to: &room)
            taken.append(job)
            guard placer.place(wish, on: room, among: [machine]) != nil else { continue }
            // Those that cost most may stay if they were not in the way.
            for spared in taken.reversed() where spared.id != job.id {
                var without = free
                for other in taken where other.id != spared.id { give(back: other, to: &without) }
                if placer.place(wish, on: without, among: [machine]) != nil {
                    taken.removeAll { $0.id == spared.id }
                }
            }
            return taken
        }
        return nil
    }

    private func give(back job: Job, to room: inout [FreeResources]) {
        guard let placement = job.placement else { return }
        let stays = queue(of: job.request).preemption.mode == .suspend
        let machines = machineIndices(of: placement)
        guard machines.count == placement.parts.count else { return }
        room.give(back: placement, on: machines, of: inventories, stays ? .coresOnly : .everything)
    }

    private mutating func giveWay(_ job: Job, to other: JobID) -> [Action] {
        switch queue(of: job.request).preemption.mode {
        case .off: return []
        case .suspend:
            let actions = apply(.suspendRequested, to: job.id)
            jobs.update(job.id) { $0.run?.wantsResume = true }
            return actions
        case .requeue, .cancel:
            let returns = queue(of: job.request).preemption.mode == .requeue && job.request.rerun.mayRequeue
            return apply(.stopRequested(.preempted(by: other, returns: returns)), to: job.id)
        }
    }

    /// How long a job has that was told to stop; nil is the grace that it asked for itself.
    package func stopGrace(of id: JobID) -> Duration? {
        guard let job = jobs[id], case .completing(.preempted) = job.phase else { return nil }
        return queue(of: job.request).preemption.grace
    }

    // MARK: Going on

    mutating func requestResume(_ id: JobID) -> [Action] {
        guard let job = jobs[id] else { return [.ignored(.unknownJob(id))] }
        guard job.phase == .suspended || job.phase == .suspending else {
            return [.ignored(.impossible(id, .resumed, state: job.phase.stateName))]
        }
        jobs.update(id) { $0.run?.wantsResume = true }
        changed.value.insert(id)
        return round()
    }

    /// Lets those go on that want to and whose cores are free, the oldest first.
    mutating func resume(of queue: Queue, _ round: inout Round) -> [Action] {
        var actions: [Action] = []
        for id in activeJobs {
            guard let job = jobs[id], job.phase == .suspended, let run = job.run, run.wantsResume,
                self.queue(of: job.request).name == queue.name, hasCoresFree(job, run, round)
            else { continue }
            actions += apply(.resumed, to: id)
            guard job.countsInFree else { continue }
            let machines = machineIndices(of: run.placement)
            for index in round.held.indices {
                round.held[index].reservation.beside.take(
                    run.placement, on: machines, of: inventories, .coresOnly)
            }
            round.rooms = [:]
        }
        return actions
    }

    /// Whether a job's cores are free, also at the start of those that go first.
    private func hasCoresFree(_ job: Job, _ run: Job.Run, _ round: Round) -> Bool {
        if run.placement.usesNamedDevices { return true }
        let ledger = job.countsInFree ? free : spare
        let held = job.countsInFree ? round.held : []
        return run.placement.parts.allSatisfy { part in
            guard let machine = machineIndex(part.machine) else { return false }
            return ledger[machine].hasCores(of: part)
                && held.allSatisfy { $0.reservation.beside[machine].hasCores(of: part) }
        }
    }
}

extension Job {
    /// Whether its cores are those that are lent once, and not a virtual device's or what lies idle.
    fileprivate var countsInFree: Bool {
        request.resources.quality != .bestEffort && placement?.usesNamedDevices == false
    }

    fileprivate func isGivingWay(to other: JobID) -> Bool {
        if case .completing(.preempted(let by, _)) = phase { return by == other }
        return phase == .suspending && run?.wantsResume == true
    }
}
