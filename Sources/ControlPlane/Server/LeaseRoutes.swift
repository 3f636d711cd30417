internal import ControlAPI
internal import Essentials
internal import Scheduling

extension Routes {
    /// `POST /v1/leases`, `POST /v1/leases/JOB` and `POST /v1/leases/JOB/reports`; see `LeaseNews`.
    func leases(_ request: RouteRequest) async throws -> HTTPAnswer {
        guard request.method == "POST" else { throw notFound(request) }
        switch request.path.count {
        case 1:
            var job = try request.decoded(LeaseRequest.self).job
            job.label.user = request.userName
            guard !job.label.command.isEmpty else { throw RequestError.emptyCommand }
            return try await stream(request) { [job] link in { Mail.lease(job, link, $0) } }
        case 2:
            let (id, user) = (try jobID(request), request.userName)
            return try await stream(request) { link in { Mail.attach(id, user: user, link, $0) } }
        case 3 where request.path[2] == "reports": return try await report(request)
        default: throw notFound(request)
        }
    }

    private func jobID(_ request: RouteRequest) throws -> JobID {
        guard let number = Int(request.path[1]), number > 0 else { throw notFound(request) }
        return JobID(number)
    }

    /// Opens the stream; the end of its connection, however it comes, is the end of the lease.
    private func stream(
        _ request: RouteRequest,
        _ mail: (LeaseLink) -> (@escaping Answer<JobID>) -> Mail
    ) async throws -> HTTPAnswer {
        let link = LeaseLink()
        let id = try await daemon.ask(mail(link))
        let daemon = daemon
        request.whenClosed { daemon.put(.leaseClosed(id, link)) }
        return .events(link.events)
    }

    /// What the command says of its own job, and of nothing else.
    private func report(_ request: RouteRequest) async throws -> HTTPAnswer {
        let (id, user) = (try jobID(request), request.userName)
        let reports = try request.decoded([AgentReport].self)
        guard reports.allSatisfy({ $0.attempt?.job == id }) else {
            throw HTTPProblem(400, "A command reports on its own job alone.")
        }
        let machine = try await daemon.look { owner in
            let job = owner.state.jobs[id]
            guard let job, job.request.isAttached, job.request.label.user == user else {
                throw HTTPProblem.unknownJob(id)
            }
            return job.placement?.machine
        }
        guard let machine else { throw HTTPProblem(409, "Job \(id) holds nothing.", exitCode: .negative) }
        for report in reports { daemon.put(.report(machine: machine, report)) }
        // Asked behind the reports, so that they are on the disk by then, but for starts, which wait a moment.
        try await daemon.look { _ in }
        return .done
    }
}

extension AgentReport {
    /// The attempt that it is about.
    fileprivate var attempt: AttemptID? {
        switch self {
        case .started(let attempt, _), .suspended(let attempt), .resumed(let attempt), .ended(let attempt, _):
            attempt
        case .tested, .health, .reset, .heartbeat: nil
        }
    }
}
