package import Essentials

/// Everything a person may ask about one job: why it waits and for whom, or why it lies where it lies.
package struct JobExplanation: Hashable, Codable, Sendable {
    package var job: JobID
    package var state: String
    package var lines: [String]
}

extension ClusterState {
    /// Nil for a job that this state does not know, or no longer.
    package func explain(_ id: JobID) -> JobExplanation? {
        guard let job = jobs[id] else { return nil }
        return JobExplanation(
            job: id, state: job.phase.stateName,
            lines: waitingLines(job) + placementLines(job) + endLines(job))
    }

    private func waitingLines(_ job: Job) -> [String] {
        guard let reason = waitReason(of: job.id) else { return [] }
        var lines = ["It waits: \(reason)."]
        if promise?.job == job.id {
            lines.append(
                promise?.start.map { "It is next in line and starts by \($0.iso8601) if time limits hold." }
                    ?? "It is next in line; no start can be promised, because a job in its way has no time limit."
            )
        } else if job.phase == .pending {
            let ahead = waitingJobs.count { isAhead($0, of: job) }
            lines.append(ahead == 1 ? "1 job is ahead of it." : "\(ahead) jobs are ahead of it.")
        }
        let holders = activeJobs.map(\.description)
        if job.phase == .pending, !holders.isEmpty {
            lines.append("Resources are held by \(phrase(holders)).")
        }
        return lines
    }

    private func isAhead(_ other: JobID, of job: Job) -> Bool {
        guard let priority = jobs[other]?.request.priority else { return false }
        return (-priority, other) < (-job.request.priority, job.id)
    }

    private func phrase(_ jobs: [String]) -> String {
        let shown = jobs.prefix(10).joined(separator: ", ")
        let rest = jobs.count > 10 ? " and \(jobs.count - 10) more" : ""
        return (jobs.count == 1 ? "job " : "jobs ") + shown + rest
    }

    private func placementLines(_ job: Job) -> [String] {
        guard let placement = job.placement else { return [] }
        let ranks = placement.ranks.enumerated().map { "Rank \($0): \($1)." }
        return ranks + [job.decision?.description].compactMap { $0 }
    }

    private func endLines(_ job: Job) -> [String] {
        guard case .ended(let end) = job.phase else { return [] }
        return ["It ended as \(end.stateName): \(end)."]
    }
}

extension JobExplanation: CustomStringConvertible {
    package var description: String {
        (["Job \(job) is \(state)."] + lines).joined(separator: "\n")
    }
}
