internal import Essentials

// Rounds: starting what can start.
//
// A round goes through the queues by tier, and through each queue's classes of equal jobs in the queue's order. A class
// whose first job fits starts it and comes again with the next one. The first class of each queue that does not fit
// gets a reservation, and what comes after it may only use what the queue's policy allows. A round looks at a bounded
// number of classes; what is left is looked at right after the next events, from where it stopped.

/// Where a round stopped that had looked at enough.
package struct RoundRest: Hashable, Codable, Sendable {
    package struct Cursor: Hashable, Codable, Sendable {
        var account: String?
        var rank: Int
        var job: JobID
    }

    /// Queues before this one are done.
    var queue: String
    var cursors: [Cursor]
}

struct Round {
    let placer: [PlacementPolicyName: Placer]
    var budget: Int
    var held: [HeldPlace] = []
    /// Shapes that do not fit on what is free; in a round less and less is free, so they stay so.
    var blocked: [Shape: WaitReason] = [:]
    /// What classes may use by which reservations hold them back; emptied when something starts.
    var rooms: [[Bool]: [FreeResources]] = [:]
    /// Queues of which nothing more may start.
    var closed: Set<String> = []
    var hasOvertaken = false
    /// Whether a quota refused a place; after a further start another place may be found, which it allows.
    var isRefusedByQuota = false

    struct HeldPlace {
        var queue: String
        var reservation: Reservation
    }

    struct Shape: Hashable {
        var resources: ResourceRequest
        var policy: PlacementPolicyName
    }
}

extension ClusterState {
    private func newRound() -> Round {
        var placers: [PlacementPolicyName: Placer] = [:]
        for queue in queues where placers[queue.placement] == nil {
            placers[queue.placement] = Placer(
                inventories: inventories, status: status, policy: queue.placement, speeds: speeds)
        }
        return Round(placer: placers, budget: policy.classesPerRound)
    }

    private func placer(_ queue: Queue, _ round: Round) -> Placer {
        round.placer[queue.placement]
            ?? Placer(inventories: inventories, status: status, policy: queue.placement, speeds: speeds)
    }

    /// Looks at everything, from the first class on, and goes on where the last round stopped.
    mutating func round() -> [Action] {
        var actions: [Action] = []
        var rest = roundRest
        roundRest = nil
        while true {
            var round = newRound()
            promises = []
            actions += look(&round, from: nil)
            if let from = rest {
                rest = nil
                round.budget = policy.classesPerRound
                roundRest = nil
                actions += look(&round, from: from)
            }
            promises = round.held.map { PromisedStart(job: $0.reservation.job, start: $0.reservation.start) }
            // A job that overtook may move a reserved place, and what was in the way of it before may fit now. Jobs
            // that waited for the start of others may start, too.
            let wokeOthers = !links.value.moved.isEmpty
            actions += settleLinks()
            guard round.hasOvertaken || wokeOthers else { return actions }
        }
    }

    /// Looks at what new jobs change: only at themselves when they stand behind a reserved job of their queue.
    mutating func round(after first: JobID) -> [Action] {
        guard let job = jobs[first] else { return round() }
        let queue = queue(of: job.request)
        guard queue.order != .fairShare, queue.isStarted, let number = waiting.value.number(of: key(of: job)),
            let place = waiting.value.classes[number]?.first,
            let promise = promises.first(where: { promised in
                jobs[promised.job].map { self.queue(of: $0.request).name == queue.name } ?? false
            }), let reserved = jobs[promise.job], self.place(of: reserved, in: queue) < place
        else { return round() }
        var round = newRound()
        for promise in promises {
            guard let reserved = jobs[promise.job], reserved.phase == .pending else { return self.round() }
            let its = self.queue(of: reserved.request)
            guard reserve(reserved.id, wish(reserved.request), its, &round) else { return self.round() }
            if its.backfill.policy.isStrict { round.closed.insert(its.name) }
            // Queues that come after this one are looked at after it.
            if its.name == queue.name { break }
        }
        let later = promises.dropFirst(round.held.count)
        guard !round.closed.contains(queue.name) else { return [] }
        var actions: [Action] = []
        while let next = waiting.value.classes[number], round.budget > 0 {
            round.budget -= 1
            let before = next.first
            actions += consider(number, queue, &round)
            if waiting.value.classes[number]?.first == before { break }
        }
        promises =
            round.held.map { PromisedStart(job: $0.reservation.job, start: $0.reservation.start) } + later
        return round.hasOvertaken || !links.value.moved.isEmpty ? actions + self.round() : actions
    }

    private func wish(_ request: JobRequest) -> Placer.Wish {
        Placer.Wish(resources: request.resources, workload: request.workload)
    }

    // MARK: Going through the queues

    private mutating func look(_ round: inout Round, from rest: RoundRest?) -> [Action] {
        var actions: [Action] = []
        var isBefore = rest != nil
        for queue in queues {
            if isBefore, queue.name != rest?.queue { continue }
            let cursors = isBefore ? rest?.cursors ?? [] : []
            isBefore = false
            guard queue.isStarted, !round.closed.contains(queue.name) else { continue }
            actions += resume(of: queue, &round)
            actions += look(at: queue, cursors, &round)
            if roundRest != nil { break }
        }
        return actions
    }

    private mutating func look(at queue: Queue, _ cursors: [RoundRest.Cursor], _ round: inout Round)
        -> [Action]
    {
        var actions: [Action] = []
        var open = waiting.value.lines(of: queue.name).map { line in
            let cursor = cursors.first { $0.account == line.account }
            return (line: line, after: cursor.map { WaitingJobs.Place(rank: $0.rank, job: $0.job) })
        }
        var done: [RoundRest.Cursor] = []
        while let index = nextLine(of: open.map(\.line), queue, round) {
            guard let (number, first) = waiting.value.next(in: open[index].line, after: open[index].after)
            else {
                let (line, after) = open.remove(at: index)
                if let after { done.append(.init(account: line.account, rank: after.rank, job: after.job)) }
                continue
            }
            guard round.budget > 0 else {
                roundRest = RoundRest(
                    queue: queue.name,
                    cursors: done
                        + open.compactMap { entry in
                            entry.after.map {
                                RoundRest.Cursor(account: entry.line.account, rank: $0.rank, job: $0.job)
                            }
                        })
                return actions
            }
            round.budget -= 1
            open[index].after = first
            actions += consider(number, queue, &round)
            if round.closed.contains(queue.name) { break }
        }
        return actions
    }

    /// The line to look at next: with fair share that of the account that has used least.
    private func nextLine(of lines: [WaitingJobs.Line], _ queue: Queue, _ round: Round) -> Int? {
        guard lines.count > 1 else { return lines.isEmpty ? nil : 0 }
        let ratios = lines.map { line in line.account.map { accounts.ratio(of: $0, at: time) } ?? 0 }
        return ratios.indices.min { (ratios[$0], $0) < (ratios[$1], $1) }
    }

    // MARK: One class

    private mutating func consider(_ number: Int, _ queue: Queue, _ round: inout Round) -> [Action] {
        guard let found = waiting.value.classes[number], let job = jobs[found.first.job] else { return [] }
        if job.missesDeadline(at: time) { return apply(.stopRequested(.deadline), to: job.id) }
        let owner = owner(of: job.request)
        if let reason = accounts.exhausted(for: owner, limits: queue.limits) ?? arrayReason(job) {
            return wait(number, reason)
        }
        if let choice = job.request.resources.virtualDevice {
            return considerDevice(choice, job, number, queue, &round)
        }
        let wish = wish(job.request)
        let shape = Round.Shape(resources: wish.resources, policy: queue.placement)
        if let reason = round.blocked[shape] { return block(number, reason, &round, queue) }
        let placer = placer(queue, round)
        let ledger = wish.resources.quality == .bestEffort ? spare : free
        guard !round.held.isEmpty, wish.resources.quality != .bestEffort else {
            if let place = placer.place(wish, on: ledger) {
                return start(job, place, number, queue, &round, overtaken: [])
            }
            let reason = placer.whyNot(wish, on: ledger)
            round.blocked[shape] = reason
            return hold(job, wish, number, reason, queue, &round)
        }
        return overtake(job, wish, shape, number, queue, &round)
    }

    /// Starts a job behind reserved ones if that is allowed.
    private mutating func overtake(
        _ job: Job, _ wish: Placer.Wish, _ shape: Round.Shape, _ number: Int, _ queue: Queue,
        _ round: inout Round
    ) -> [Action] {
        let placer = placer(queue, round)
        let limit = job.remainingLimit(at: time)
        var isBeside: [Bool] = []
        for held in round.held {
            // The order of another queue is none of this queue's business, but its reservation is.
            let policy: any QueuePolicy = held.queue == queue.name ? queue.backfill.policy : EASYBackfill()
            switch policy.overtaking(byJobLimitedTo: limit, of: held.reservation, at: time) {
            case .nothing:
                return wait(
                    number, .behind(held.reservation.job, expectedStart: held.reservation.start))
            case .whatIsLeftBeside: isBeside.append(true)
            case .everything: isBeside.append(false)
            }
        }
        if let place = placer.place(wish, on: room(isBeside, &round)) {
            return start(job, place, number, queue, &round, overtaken: isBeside)
        }
        if isBeside.contains(true), placer.place(wish, on: free) != nil {
            let inTheWay = zip(round.held, isBeside).first { $0.1 }?.0.reservation
            let reason = inTheWay.map { WaitReason.behind($0.job, expectedStart: $0.start) } ?? .roundFull
            // It could start but for the others, so it is this queue's next if no other is.
            if !round.held.contains(where: { $0.queue == queue.name }) {
                _ = reserve(job.id, wish, queue, &round)
            }
            return block(number, reason, &round, queue)
        }
        let reason = placer.whyNot(wish, on: free)
        round.blocked[shape] = reason
        return hold(job, wish, number, reason, queue, &round)
    }

    /// What is free and, where asked for, also left beside reserved jobs.
    private func room(_ isBeside: [Bool], _ round: inout Round) -> [FreeResources] {
        if let known = round.rooms[isBeside] { return known }
        var room = free
        for (held, beside) in zip(round.held, isBeside) where beside {
            room = zip(room, held.reservation.beside).map { $0.common(with: $1) }
        }
        round.rooms[isBeside] = room
        return room
    }

    private func arrayReason(_ job: Job) -> WaitReason? {
        guard let array = job.array, let limit = job.request.array?.limit,
            links.value.arrayUse[array.first] ?? 0 >= limit
        else { return nil }
        return .arrayLimit(limit)
    }

    // MARK: Waiting

    /// Why a ready job waits, for a class that no round has looked at since the state was read.
    func reasonNow(for job: Job) -> WaitReason {
        let queue = queue(of: job.request)
        guard queue.isStarted else { return .queueStopped(queue.name) }
        if let reason = accounts.exhausted(for: owner(of: job.request), limits: queue.limits)
            ?? arrayReason(job)
        {
            return reason
        }
        if let choice = job.request.resources.virtualDevice { return .virtualDeviceBusy(choice) }
        let wish = wish(job.request)
        let placer = placer(queue, newRound())
        let ledger = wish.resources.quality == .bestEffort ? spare : free
        guard placer.place(wish, on: ledger) != nil else { return placer.whyNot(wish, on: ledger) }
        let other = promises.first { $0.job != job.id }
        return other.map { .behind($0.job, expectedStart: $0.start) } ?? .roundFull
    }

    mutating func noteWait(_ number: Int, _ reason: WaitReason) -> [Action] { wait(number, reason) }

    private mutating func wait(_ number: Int, _ reason: WaitReason) -> [Action] {
        guard let found = waiting.value.classes[number], found.reason != reason else { return [] }
        waiting.value.set(reason, forClass: number)
        return [.waits(found.first.job, reason)]
    }

    /// A class that has to wait; under a strict policy nothing of its queue comes after it.
    private mutating func block(
        _ number: Int, _ reason: WaitReason, _ round: inout Round, _ queue: Queue
    ) -> [Action] {
        if queue.backfill.policy.isStrict { round.closed.insert(queue.name) }
        return wait(number, reason)
    }

    /// The first of its queue that does not fit: makes room where it may, and reserves its place.
    private mutating func hold(
        _ job: Job, _ wish: Placer.Wish, _ number: Int, _ reason: WaitReason, _ queue: Queue,
        _ round: inout Round
    ) -> [Action] {
        guard !round.held.contains(where: { $0.queue == queue.name }), wish.resources.quality != .bestEffort
        else { return block(number, reason, &round, queue) }
        let (actions, victims) = makeRoom(for: job, wish, queue, placer(queue, round))
        _ = reserve(job.id, wish, queue, &round)
        let shown = victims.isEmpty ? reason : .preempting(victims)
        return actions + block(number, shown, &round, queue)
    }

    /// Reserves a place for a blocked job beside those reserved before; false when it can never fit as things are.
    private func reserve(_ id: JobID, _ wish: Placer.Wish, _ queue: Queue, _ round: inout Round) -> Bool {
        let placer = placer(queue, round)
        var free = free
        // What others were promised is not there for this one, at any time.
        if !round.held.isEmpty {
            for held in round.held {
                free = zip(free, held.reservation.beside).map { $0.common(with: $1) }
            }
        }
        guard
            let found = makeReservation(
                for: id, wish, placer: placer, free: free, releases: releases(beside: round.held),
                holding: holding(of:))
        else { return false }
        round.held.append(.init(queue: queue.name, reservation: found))
        round.rooms = [:]
        return true
    }

    /// When jobs give back what they have; behind another reservation only what it does not need.
    private func releases(beside held: [Round.HeldPlace]) -> [ExpectedRelease] {
        let first = held.first?.reservation
        return activeJobs.compactMap { id in
            jobs.read(id) { job in
                let end = job.expectedEnd(at: time, stopGrace: policy.stopGrace)
                // Resources that the first reservation counts on are spoken for.
                if let first, isNeeded(by: first, end) { return nil }
                return ExpectedRelease(time: end, job: id)
            }
        }
    }

    /// What a job gives back to everybody; nil for what is lent from elsewhere.
    private func holding(of id: JobID) -> Holding? {
        guard let job = jobs[id], let placement = job.placement, !placement.usesNamedDevices,
            job.request.resources.quality != .bestEffort
        else { return nil }
        let machines = machineIndices(of: placement)
        guard machines.count == placement.parts.count else { return nil }
        return Holding(
            placement: placement, machines: machines, extent: job.hasCores ? .everything : .allButCores)
    }

    private func isNeeded(by reservation: Reservation, _ end: TimePoint?) -> Bool {
        switch (reservation.start, end) {
        case (let start?, let end?): end <= start
        case (nil, _): true
        case (.some, nil): false
        }
    }

    // MARK: Starting

    private mutating func start(
        _ job: Job, _ found: Placer.Found, _ number: Int, _ queue: Queue, _ round: inout Round,
        overtaken isBeside: [Bool]
    ) -> [Action] {
        let owner = owner(of: job.request)
        if let reason = accounts.broken(by: found.placement, of: owner, limits: queue.limits) {
            round.isRefusedByQuota = true
            return wait(number, reason)
        }
        place(job, found.placement, found.decision)
        for (index, beside) in isBeside.enumerated() where beside {
            round.held[index].reservation.beside.take(
                found.placement, on: found.machines, of: inventories)
        }
        round.rooms = [:]
        if !round.held.isEmpty || round.isRefusedByQuota { round.hasOvertaken = true }
        return [.start(job.id, attempt: job.attempt + 1, found.placement)]
    }

    /// Gives a waiting job its place, and counts it everywhere.
    mutating func place(_ job: Job, _ placement: Placement, _ decision: PlacementDecision?) {
        guard let next = job.phase.next(after: .placed) else {
            preconditionFailure("a queued job is pending")
        }
        dequeue(job)
        let now = time
        jobs.update(job.id) { job in
            job.phase = next
            job.attempt += 1
            job.run = Job.Run(placedAt: now, placement: placement, decision: decision)
        }
        changed.value.insert(job.id)
        take(placement, job)
        accounts.count(owner(of: job.request), placement, sign: 1, at: time)
        activeJobs.insert(job.id, at: activeJobs.firstIndex(notBefore: job.id, key: \.self))
        if let array = job.array, job.request.array?.limit != nil {
            links.value.arrayUse[array.first, default: 0] += 1
        }
        if let placed = jobs[job.id] { setTimers(of: placed) }
        if !job.request.dependencies.isEmpty || !links.value.dependents.isEmpty {
            links.value.moved.append(job.id)
        }
    }
}

extension Job {
    /// The limit that counts for overtaking: the time limit, or what is left until the deadline.
    fileprivate func remainingLimit(at now: TimePoint) -> Duration? {
        switch (request.timeLimit, request.timing.deadline) {
        case (let limit?, let deadline?): min(limit, max(.zero, deadline - now))
        case (let limit?, nil): limit
        case (nil, let deadline?): max(.zero, deadline - now)
        case (nil, nil): nil
        }
    }
}

extension QueuePolicy {
    /// Whether it never lets anybody pass.
    var isStrict: Bool { self is StrictOrder }
}
