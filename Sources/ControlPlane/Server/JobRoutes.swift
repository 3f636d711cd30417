internal import ControlAPI
internal import Essentials
internal import Foundation
internal import Scheduling
internal import Store

extension Routes {
    func jobs(_ request: RouteRequest) async throws -> HTTPAnswer {
        let path = request.path
        switch (request.method, path.count) {
        case ("POST", 1): return try await submit(request)
        case ("GET", 1): return try await list(JobSelection(request.query), request)
        case ("POST", 2) where path[1] == "list":
            return try await list(request.decoded(JobSelection.self), request)
        case ("POST", 2) where path[1] == "actions":
            let action = try request.decoded(JobActionRequest.self)
            return try .value(await daemon.ask { Mail.act(action, $0) })
        case ("GET", 2...3):
            guard let number = Int(path[1]), number > 0 else { throw notFound(request) }
            return try await job(JobID(number), path.count == 3 ? path[2] : nil, request)
        default: throw notFound(request)
        }
    }

    private func submit(_ request: RouteRequest) async throws -> HTTPAnswer {
        var submission = try submissions.read(request)
        submission.job.label.user = request.userName
        if submission.isTest {
            let job = submission.job
            return try .value(await daemon.look { try $0.test(job) })
        }
        let mail = Submission(
            job: submission.job, launch: submission.launch,
            key: submission.key.map { request.userName + ":" + $0 })
        return SubmissionReader.answer(try await daemon.ask { Mail.submit(mail, $0) })
    }

    /// In parts, so that the owner never works long for one listing.
    private func list(_ selection: JobSelection, _ request: RouteRequest) async throws -> HTTPAnswer {
        let all = request.query["all"] == "1"
        var rows: [JobTable.Row] = []
        if let references = selection.jobs {
            rows = try await daemon.look { owner in
                let jobs = references.flatMap { owner.jobs(of: $0) }.filter { selection.matches($0) }
                return owner.rows(jobs)
            }
        } else {
            var after: JobID? = JobID(0)
            while let start = after {
                let part = try await daemon.look { owner in
                    let found = owner.state.jobs(after: start, numbers: 500)
                    let kept = found.jobs.filter { (all || !$0.phase.isEnded) && selection.matches($0) }
                    return (owner.rows(kept), found.next)
                }
                rows += part.0
                after = part.1
            }
        }
        if all || selection.jobs != nil { rows = try await withHistory(rows, selection, all: all) }
        return try .value(JobTable(rows: rows))
    }

    private func withHistory(_ rows: [JobTable.Row], _ selection: JobSelection, all: Bool) async throws
        -> [JobTable.Row]
    {
        let known = Set(rows.map(\.job))
        let ids = selection.jobs?.map(\.job).filter { !known.contains($0) }
        if let ids, ids.isEmpty { return rows }
        let more = try await daemon.look { owner in
            let jobs = try owner.history(user: selection.user, ids: ids)
            let wanted = jobs.filter {
                !known.contains($0.id) && selection.matches($0) && selection.names($0)
            }
            return owner.rows(wanted)
        }
        return (rows + more).sorted { $0.job < $1.job }
    }

    private func job(_ id: JobID, _ part: String?, _ request: RouteRequest) async throws -> HTTPAnswer {
        switch part {
        case nil:
            let row = try await daemon.look { owner in
                let job = try owner.state.jobs[id] ?? owner.history(ids: [id]).first
                return job.flatMap { owner.rows([$0]).first }
            }
            guard let row else { throw HTTPProblem.unknownJob(id) }
            return try .value(row)
        case "explanation":
            let explanation = try await daemon.look { $0.state.explain(id) }
            guard let explanation else { throw HTTPProblem.unknownJob(id) }
            return try .value(explanation)
        case "runs": return try .value(await runs(of: id))
        case "launch":
            let launch = try await daemon.look { owner in
                owner.state.jobs[id].flatMap { owner.launch(of: $0.request) }
            }
            guard let launch else { throw HTTPProblem.unknownJob(id) }
            return try .value(launch)
        case "logs": return try await logs(of: id, request)
        default: throw notFound(request)
        }
    }

    func runs(of id: JobID) async throws -> [JobRun] {
        try await daemon.look { owner in
            guard try owner.state.jobs[id] != nil || !owner.history(ids: [id]).isEmpty else {
                throw HTTPProblem.unknownJob(id)
            }
            let decoder = JSONDecoder()
            return try owner.store.runs(of: id).map { note in
                JobRun(
                    machine: note.machine, attempt: note.attempt,
                    start: try note.start.map { try decoder.decode(AttemptRun.self, from: $0) },
                    end: try note.end.map { try decoder.decode(AttemptEnd.self, from: $0) })
            }
        }
    }
}

extension Owner {
    func rows(_ jobs: [Job]) -> [JobTable.Row] {
        let now = max(state.time, clock.now())
        return jobs.map { JobTable.Row($0, in: state, at: now) }
    }
}

extension JobSelection {
    /// `?user=U&name=N&queue=Q&state=S`.
    init(_ query: [String: String]) {
        self.init(
            user: query["user"], name: query["name"], queue: query["queue"],
            states: query["state"]?.split(separator: ",").map(String.init))
    }
}
