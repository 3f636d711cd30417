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

    /// Returns once all of the jobs have ended; Ctrl-C ends the waiting and not the jobs.
    ///
    /// The number of an array stands for all of its tasks.
    func wait(for references: [JobReference], says: Bool) throws -> Ends {
        let living = StateText.all.filter { !StateText.ended.contains($0) }
        let isDone = try poll {
            try client.jobs(JobSelection(jobs: references, states: living)).rows.isEmpty
        }
        guard isDone else { return Ends(rows: [], wasInterrupted: true) }
        let rows = try client.jobs(JobSelection(jobs: references), includingEnded: true).rows
        let ends = Ends(rows: rows.filter { StateText.ended.contains($0.state) })
        for row in ends.rows where says && row.exitCode != 0 {
            report("heng: job \(row.title): \(row.state): \(row.remark)")
        }
        return ends
    }
}
