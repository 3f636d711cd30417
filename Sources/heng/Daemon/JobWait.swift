internal import ArgumentParser
internal import ControlAPI
internal import Essentials
internal import Foundation
internal import JobSubmission
internal import Scheduling

/// Waits for the end of jobs.
struct JobWait {
    private let client: DaemonClient

    init(_ client: DaemonClient) { self.client = client }

    /// How jobs ended that somebody waited for.
    struct Ends {
        var rows: [JobTable.Row]
        var wasInterrupted = false

        /// The first code of a job, in the order of their numbers, that is not zero.
        var exitCode: Int32 { rows.lazy.compactMap(\.exitCode).first { $0 != 0 } ?? 0 }

        /// Exits with the code of the jobs, or as interrupted.
        func leave() throws {
            if wasInterrupted { throw ArgumentParser.ExitCode(Essentials.ExitCode.interrupted.rawValue) }
            guard exitCode == 0 else { throw ArgumentParser.ExitCode(exitCode) }
        }
    }

    func wait(for range: ClosedRange<Int>, says: Bool) throws -> Ends {
        try wait(for: range.map { JobReference(JobID($0)) }, says: says)
    }

    /// Returns once all of the jobs have ended; Ctrl-C ends the waiting and not the jobs.
    func wait(for references: [JobReference], says: Bool) throws -> Ends {
        var open = references
        var ended: [JobID: JobTable.Row] = [:]
        let isDone = try poll {
            let rows = try client.jobs(JobSelection(jobs: open), includingEnded: true).rows
            for row in rows where StateText.ended.contains(row.state) { ended[row.job] = row }
            // Jobs that have ended are not asked for again; an array is one reference until all of it has.
            let alive = Set(rows.filter { !StateText.ended.contains($0.state) }.map(\.job))
            if open.allSatisfy({ $0.tasks == nil }), open.count > alive.count, rows.count == open.count {
                open = open.filter { alive.contains($0.job) }
            }
            return alive.isEmpty
        }
        let ends = Ends(
            rows: ended.values.sorted { $0.job < $1.job }, wasInterrupted: !isDone)
        for row in ends.rows where says && row.exitCode != 0 {
            report("heng: job \(row.job): \(row.state): \(row.remark)")
        }
        return ends
    }
}
