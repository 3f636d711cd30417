internal import ControlAPI
internal import Essentials
internal import Foundation
internal import Scheduling
internal import Store

// Submissions.
extension Owner {
    func submit(
        _ submission: Submission, _ answer: @escaping Answer<SubmitReply>, at now: TimePoint,
        in plan: inout Plan
    ) {
        do {
            if let key = submission.key {
                // The other submission with this key is not answered yet.
                if plan.keys.contains(key) { return putOff(.submit(submission, answer)) }
                if let earlier = try store.result(ofKey: key) {
                    let reply = SubmitReply(job: earlier.job, count: earlier.count, isRepeated: true)
                    return answer(.success(reply))
                }
            }
            if let error = state.firstError(submission.job) { throw error }
            var request = submission.job
            request.payload = try store.payload(for: submission.launch)
            if let key = submission.key { plan.keys.insert(key) }
            record(request, submission.key, answer, at: now, in: &plan)
        } catch {
            answer(.failure(error))
        }
    }

    private func record(
        _ request: JobRequest, _ key: String?, _ answer: @escaping Answer<SubmitReply>, at now: TimePoint,
        in plan: inout Plan
    ) {
        let count = request.array?.count ?? 1
        plan.add(LogEntry(.submitted(request), at: now, key: key)) { [store] result in
            let reply = result.flatMap { Owner.reply(to: $0, count: count) }
            if let key, case .success = result {
                store.setResult(KeyResult(reply), ofKey: key)
            }
            answer(reply)
        }
    }

    private static func reply(to actions: [Action], count: Int) -> Result<SubmitReply, any Error> {
        for action in actions {
            switch action {
            case .accepted(let job): return .success(SubmitReply(job: job, count: count))
            case .refused(let error): return .failure(error)
            default: continue
            }
        }
        return .failure(Failure("The submission was recorded, but not taken in."))
    }

    /// What would become of a submission, tried on a copy of the state.
    func test(_ request: JobRequest) throws -> TestReply {
        if let error = state.firstError(request) { throw error }
        var copy = state
        let now = max(state.time, clock.now())
        let actions = copy.on(.submitted(request), at: now)
        var job: JobID?
        for action in actions {
            switch action {
            case .accepted(let id): job = id
            case .refused(let error): throw error
            case .start(let id, _, let placement) where id == job:
                return TestReply(start: now, lines: ["It would start at once: \(placement)."])
            default: continue
            }
        }
        guard let job else { return TestReply(start: nil, lines: []) }
        let promise = copy.promise?.job == job ? copy.promise?.start : nil
        return TestReply(start: promise, lines: copy.explain(job)?.lines ?? [])
    }
}

extension KeyResult {
    /// Nil for a refusal.
    init?(_ reply: Result<SubmitReply, any Error>) {
        guard case .success(let reply) = reply else { return nil }
        self.init(job: reply.job, count: reply.count)
    }
}

// Actions on jobs.
extension Owner {
    func act(
        _ action: JobActionRequest, _ answer: @escaping Answer<[JobActionReply]>, at now: TimePoint,
        in plan: inout Plan
    ) {
        let jobs = jobs(matching: action.selection, includingEnded: action.selection.jobs != nil)
        if case .signal(let number, let toFirstOnly) = action.verb {
            return answer(.success(jobs.map { signal($0, number, toFirstOnly: toFirstOnly) }))
        }
        let collected = Collected(count: jobs.count) { [weak self] result in
            answer(result.map { self?.replies(jobs.map(\.id), $0) ?? [] })
        }
        for (place, job) in jobs.enumerated() {
            plan.add(LogEntry(action.verb.event(for: job), at: now)) { collected.set(place, $0) }
        }
        if jobs.isEmpty { answer(.success([])) }
    }

    private func replies(_ jobs: [JobID], _ actions: [[Action]]) -> [JobActionReply] {
        zip(jobs, actions).map { id, actions in
            var refusal: String?
            for case .ignored(let why) in actions { refusal = "\(why)" }
            return JobActionReply(
                job: id, state: state.jobs[id]?.phase.stateName ?? "ENDED", refusal: refusal)
        }
    }

    /// A signal changes nothing in the state, so it is sent and not recorded.
    private func signal(_ job: Job, _ number: Int32, toFirstOnly: Bool) -> JobActionReply {
        let name = job.phase.stateName
        guard job.phase.holdsResources else {
            return JobActionReply(job: job.id, state: name, refusal: "it has no processes")
        }
        let attempt = AttemptID(job.id, job.attempt)
        tellCommand(of: job.id, .signal(number: number, toFirstOnly: toFirstOnly))
        for machine in state.machines(of: job) where !job.request.isAttached {
            links[machine]?.link.send(.signal(attempt, number: number, toFirstOnly: toFirstOnly))
        }
        return JobActionReply(job: job.id, state: name)
    }

    func jobs(matching selection: JobSelection, includingEnded: Bool) -> [Job] {
        if let references = selection.jobs {
            return references.flatMap { jobs(of: $0) }.filter { selection.matches($0) }
        }
        var found: [Job] = []
        var after: JobID? = JobID(0)
        while let start = after {
            let part = state.jobs(after: start, numbers: 10_000)
            found += part.jobs.filter { (includingEnded || !$0.phase.isEnded) && selection.matches($0) }
            after = part.next
        }
        return found
    }

    /// The job itself, or the tasks of its array.
    func jobs(of reference: JobReference) -> [Job] {
        let first = reference.job
        // The first task may be forgotten already while others still run, so any of them tells of the array.
        guard let job = state.jobs[first] else { return tasksBehindForgotten(reference) }
        // A job that is no array has no tasks to name.
        guard let place = job.array, place.first == first else { return reference.tasks == nil ? [job] : [] }
        return tasks(of: first, job.request.array, reference.tasks)
    }

    private func tasksBehindForgotten(_ reference: JobReference) -> [Job] {
        guard let other = reference.job.number < state.nextJob.number ? nextKnownTask(of: reference.job) : nil
        else { return [] }
        return tasks(of: reference.job, other.request.array, reference.tasks)
    }

    private func nextKnownTask(of first: JobID) -> Job? {
        let part = state.jobs(after: first, numbers: 100_000)
        return part.jobs.first { $0.array?.first == first }
    }

    private func tasks(of first: JobID, _ array: ArrayRequest?, _ wanted: [ClosedRange<Int>]?) -> [Job] {
        let count = array?.count ?? 1
        return (0..<count).compactMap { place in
            guard let job = state.jobs[JobID(first.number + place)], job.array?.first == first else {
                return nil
            }
            guard let wanted, let index = job.array?.index else { return job }
            return wanted.contains { $0.contains(index) } ? job : nil
        }
    }
}

extension JobActionRequest.Verb {
    fileprivate func event(for job: Job) -> Event {
        switch self {
        case .cancel: .cancelRequested(job.id)
        case .hold: .held(job.id)
        case .release: .released(job.id)
        case .requeue: .requeueRequested(job.id)
        case .suspend: .suspendRequested(job.id)
        case .resume: .resumeRequested(job.id)
        case .checkpointed: .checkpointed(job.id, attempt: job.attempt)
        case .change(let change): .changed(job.id, change)
        case .signal: preconditionFailure("a signal is no event")
        }
    }
}

extension JobSelection {
    /// Whether the numbers name a job: itself, its array, or its task of that array.
    func names(_ job: Job) -> Bool {
        guard let jobs else { return true }
        return jobs.contains { reference in
            guard let wanted = reference.tasks else {
                return reference.job == job.id || reference.job == job.array?.first
            }
            guard let array = job.array else { return false }
            return reference.job == array.first && wanted.contains { $0.contains(array.index) }
        }
    }

    /// Everything but the numbers.
    func matches(_ job: Job) -> Bool {
        let label = job.request.label
        if let user, user != label.user { return false }
        if let name, name != label.name { return false }
        if let queue, queue != job.request.queue { return false }
        if let states { return states.contains { $0.uppercased() == job.phase.stateName } }
        return true
    }
}
