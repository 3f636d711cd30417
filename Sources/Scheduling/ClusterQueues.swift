internal import Essentials
internal import HeapModule

// Queues: which job stands where, and which is not ready yet.
extension ClusterState {
    func queue(of request: JobRequest) -> Queue {
        if let name = request.queue, let found = queues.first(where: { $0.name == name }) { return found }
        return queues.first { $0.name == Queue.first } ?? queues[0]
    }

    func key(of job: Job) -> WaitingJobs.Key {
        let request = job.request
        let owner = owner(of: request)
        return WaitingJobs.Key(
            resources: request.resources, timeLimit: request.timeLimit, priority: request.priority,
            queue: owner.queue, user: owner.user, account: owner.account, workload: request.workload,
            limitedArray: request.array?.limit == nil ? nil : job.array?.first)
    }

    private func line(of job: Job, in queue: Queue) -> WaitingJobs.Line {
        let account = queue.order == .fairShare ? owner(of: job.request).account : nil
        return WaitingJobs.Line(queue: queue.name, account: account)
    }

    /// Where a job stands in its line.
    ///
    /// Priority grows with age at the same rate for all, so the order of two jobs never changes while they wait: a
    /// point of priority is worth as much as the time in which a waiting job gains one.
    func place(of job: Job, in queue: Queue) -> WaitingJobs.Place {
        switch queue.order {
        case .fifo: return WaitingJobs.Place(rank: 0, job: job.id)
        case .deadline:
            return WaitingJobs.Place(
                rank: job.request.timing.deadline.map { Int($0.nanoseconds) } ?? .max, job: job.id)
        case .priority, .fairShare:
            let hour = 3_600_000
            let age = Int(job.submittedAt.nanoseconds / 1_000_000).multipliedReportingOverflow(
                by: queue.ageing)
            let points = job.request.priority.multipliedReportingOverflow(by: hour)
            guard !age.overflow, !points.overflow else {
                return WaitingJobs.Place(rank: job.request.priority > 0 ? .min : .max, job: job.id)
            }
            return WaitingJobs.Place(rank: age.partialValue - points.partialValue, job: job.id)
        }
    }

    /// Why a pending job is not even looked at; nil when it is.
    func delay(of job: Job) -> WaitReason? {
        if let notBefore = job.notBefore, notBefore > time {
            return job.failures > 0 ? .retryAfter(notBefore, attempt: job.attempt) : .notBefore(notBefore)
        }
        for dependency in job.request.dependencies {
            if case .unmet(let other) = state(of: dependency, for: job) {
                return .dependency(dependency.kind, on: other)
            }
        }
        return nil
    }

    /// Puts a pending job among those that could start, unless it is not ready.
    ///
    /// Returns whether a round has to look at it: not if equal jobs wait already.
    @discardableResult
    mutating func enqueueIfReady(_ job: Job) -> Bool {
        guard job.phase == .pending, delay(of: job) == nil else { return false }
        let queue = queue(of: job.request)
        let (number, isNew) = waiting.value.insert(
            place(of: job, in: queue), key: key(of: job), line: line(of: job, in: queue))
        return isNew || waiting.value.classes[number]?.reason == nil
    }

    mutating func dequeue(_ job: Job) { waiting.value.remove(job.id, key: key(of: job)) }

    private mutating func enqueueAll() {
        waiting = Derived(WaitingJobs())
        for job in jobs.all where job.phase == .pending { enqueueIfReady(job) }
    }

    // MARK: Settings

    mutating func set(_ queue: Queue) -> [Action] {
        guard queue.name.isName else { return [.refused(.badName(queue.name))] }
        queues.removeAll { $0.name == queue.name }
        let spot = queues.firstIndex { $0.tier < queue.tier } ?? queues.count
        queues.insert(queue, at: spot)
        enqueueAll()
        return round()
    }

    mutating func removeQueue(_ name: String) -> [Action] {
        guard queues.contains(where: { $0.name == name }) else { return [.ignored(.unknownQueue(name))] }
        guard queues.count > 1, accounts.use(ofQueue: name).jobs == 0 else {
            return [.ignored(.queueBusy(name))]
        }
        queues.removeAll { $0.name == name }
        return round()
    }

    mutating func set(_ settings: AccountSettings, for account: String) -> [Action] {
        accounts.set(settings, for: account)
        return round()
    }

    /// What a queue has against a request, or nil.
    func queueError(_ request: JobRequest) -> RequestError? {
        if let name = request.queue, !queues.contains(where: { $0.name == name }) {
            return .unknownQueue(name, known: queues.map(\.name))
        }
        let queue = queue(of: request)
        guard queue.isOpen else { return .queueClosed(queue.name) }
        let limit = request.timeLimit ?? queue.limits.defaultTimeLimit
        if let limit, let most = queue.limits.longestTimeLimit, limit > most {
            return .limitTooLong(limit, most: most, queue: queue.name)
        }
        if let deadline = request.timing.deadline {
            let start = max(time, request.timing.begin ?? time)
            if start + (limit ?? .nanoseconds(1)) > deadline { return .deadlinePassed }
        }
        let count = request.array?.count ?? 1
        if let most = queue.limits.jobs, accounts.use(ofQueue: queue.name).jobs + count > most {
            return .tooManyJobs(.queue(queue.name), most: most)
        }
        let user = request.label.user
        if let most = queue.limits.jobsPerUser, accounts.use(of: user, in: queue.name).jobs + count > most {
            return .tooManyJobs(.user(user, queue: queue.name), most: most)
        }
        return nil
    }

    // MARK: Time

    /// Asks to be woken when something about the job is due.
    mutating func setTimers(of job: Job) {
        switch job.phase {
        case .pending, .held:
            if let notBefore = job.notBefore, notBefore > time { setTimer(notBefore, job.id) }
            if let last = job.lastStart { setTimer(last, job.id) }
        case .launching, .running:
            if let limit = job.limit { setTimer(limit.time, job.id) }
        case .suspending, .suspended, .completing, .ended: break
        }
    }

    mutating func setTimer(_ time: TimePoint, _ job: JobID) {
        timers.value.insert(Timer(time: time, job: job))
    }

    mutating func passTime() -> [Action] {
        var actions: [Action] = []
        while let next = timers.value.min, next.time <= time {
            _ = timers.value.popMin()
            actions += lookAtTime(of: next.job)
        }
        return actions + settleLinks() + round()
    }

    private mutating func lookAtTime(of id: JobID) -> [Action] {
        guard let job = jobs[id] else { return [] }
        switch job.phase {
        case .pending, .held:
            if let last = job.lastStart, time > last { return apply(.stopRequested(.deadline), to: id) }
            enqueueIfReady(job)
            return []
        case .launching, .running:
            guard let limit = job.limit, limit.time <= time else { return [] }
            return apply(.stopRequested(limit.reason), to: id)
        case .suspending, .suspended, .completing, .ended: return []
        }
    }
}

extension Job {
    /// The last moment at which a waiting job can start and still end before its deadline.
    var lastStart: TimePoint? {
        request.timing.deadline.map { $0 + .nanoseconds(-(request.timeLimit?.nanoseconds ?? 1)) }
    }
}

extension String {
    /// Whether it can be a name of ours: in paths, tables and commands without quotes.
    package var isName: Bool {
        guard let first = utf8.first, utf8.count <= 64, first != UInt8(ascii: "."), first != UInt8(ascii: "-")
        else { return false }
        return utf8.allSatisfy { byte in
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "."), UInt8(ascii: "_"),
                UInt8(ascii: "-"):
                true
            default: false
            }
        }
    }
}
