internal import ControlAPI
internal import Essentials
internal import Scheduling
internal import Store

/// The commands that run attached jobs themselves.
struct Leases {
    fileprivate var links: [JobID: LeaseLink] = [:]
    /// Jobs that hold resources and whose command is not connected, and until when it may come back.
    fileprivate var missing: [JobID: TimePoint] = [:]

    /// A command tries again several times a second, so one that has not come in this time is gone.
    private static let patience: Duration = .seconds(15)

    /// After a restart the commands of all attached jobs are yet to come.
    init(_ state: ClusterState, at now: TimePoint) {
        for id in state.activeJobs where state.jobs[id]?.request.isAttached == true { expect(id, from: now) }
    }

    fileprivate mutating func expect(_ id: JobID, from now: TimePoint) { missing[id] = now + Leases.patience }

    /// When a command will have been gone for too long.
    var nextDeadline: TimePoint? { missing.values.min() }
}

// Leases: asked for, taken up again, given back.
extension Owner {
    /// Puts an attached job into the queue, on this machine alone, because its command runs here.
    func lease(
        _ asked: JobRequest, _ link: LeaseLink, _ answer: @escaping Answer<JobID>, at now: TimePoint,
        in plan: inout Plan
    ) {
        guard let machine = links.first(where: { $0.value.isLocal })?.key else {
            return answer(
                .failure(
                    Failure(
                        "This hengd lends no machine of its own.",
                        nextStep: "Submit the job with `heng submit`.", exitCode: .setupMissing)))
        }
        var request = asked
        request.isAttached = true
        request.resources.machines = [machine]
        request.array = nil
        // Nobody else could start it again.
        request.rerun.mayRequeue = false
        request.rerun.retries = 0
        if let error = state.firstError(request) { return answer(.failure(error)) }
        plan.add(LogEntry(.submitted(request), at: now)) { [weak self] result in
            answer(result.flatMap { actions in self?.begin(actions, link) ?? .failure(CancellationError()) })
        }
    }

    private func begin(_ actions: [Action], _ link: LeaseLink) -> Result<JobID, any Error> {
        for action in actions {
            switch action {
            case .accepted(let id):
                connect(id, link)
                return .success(id)
            case .refused(let error): return .failure(error)
            default: continue
            }
        }
        return .failure(Failure("The submission was recorded, but not taken in."))
    }

    /// A command whose connection was broken, as by a restart of this daemon, comes back.
    func attach(_ id: JobID, of user: String, _ link: LeaseLink, _ answer: Answer<JobID>) {
        guard let job = state.jobs[id], job.request.isAttached, !job.phase.isEnded,
            job.request.label.user == user
        else {
            return answer(
                .failure(
                    Failure("Job \(id) holds nothing any more.", nextStep: nil, exitCode: .negative)))
        }
        connect(id, link)
        answer(.success(id))
    }

    private func connect(_ id: JobID, _ link: LeaseLink) {
        leases.links[id]?.finish()
        leases.links[id] = link
        leases.missing[id] = nil
        link.send(.accepted(id))
        guard let job = state.jobs[id] else { return }
        switch job.phase {
        case .held, .pending: if let reason = state.waitReason(of: id) { link.send(.waiting(reason)) }
        case .launching, .running, .suspending, .suspended: grant(id)
        case .completing(let reason):
            grant(id)
            link.send(.stop(reason))
        case .ended(let end): closeLease(id, end)
        }
    }

    /// What the job was given is its command's to use; without one, nobody uses it.
    func grant(_ id: JobID) {
        guard let job = state.jobs[id], let lease = Lease(job) else { return }
        guard let link = leases.links[id] else { return leases.expect(id, from: state.time) }
        link.send(.granted(lease))
    }

    func tellCommand(of id: JobID, _ news: LeaseNews) { leases.links[id]?.send(news) }

    func closeLease(_ id: JobID, _ end: JobEnd) {
        leases.missing[id] = nil
        guard let link = leases.links.removeValue(forKey: id) else { return }
        link.send(.ended(end))
        link.finish()
    }

    /// The connection is gone before the job's end, and the command's processes end with it.
    func leaseClosed(_ id: JobID, _ link: LeaseLink, at now: TimePoint, in plan: inout Plan) {
        guard leases.links[id] === link else { return }
        leases.links[id] = nil
        plan.add(LogEntry(.ownerLost(id), at: now))
    }

    func noteMissingCommands(at now: TimePoint, in plan: inout Plan) {
        for (id, deadline) in leases.missing where deadline <= now {
            leases.missing[id] = nil
            log.write("the command that runs job \(id) has not come back")
            plan.add(LogEntry(.ownerLost(id), at: now))
        }
    }
}
