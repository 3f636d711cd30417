internal import ArgumentParser
internal import ControlAPI
internal import Essentials
internal import Foundation
internal import JobSubmission
internal import MachineAgent
internal import Scheduling

/// Waits for the end of jobs, by the events that the daemon sends.
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
        let interrupt = try Interruption.require()
        while case let living = try living(references), !living.isEmpty {
            try follow(living, references, interrupt)
            if interrupt.isTriggered { return Ends(rows: [], wasInterrupted: true) }
        }
        let rows = try client.jobs(JobSelection(jobs: references), includingEnded: true).rows
        let ends = Ends(rows: rows.filter { StateText.ended.contains($0.state) })
        for row in ends.rows where says && row.exitCode != 0 {
            report("heng: job \(row.title): \(row.state): \(row.remark)")
        }
        return ends
    }

    private func living(_ references: [JobReference]) throws -> Set<JobID> {
        let states = StateText.all.filter { !StateText.ended.contains($0) }
        let table = try whileDaemonRestarts {
            try client.jobs(JobSelection(jobs: references, states: states))
        }
        return Set(table.rows.map(\.job))
    }

    /// Hears of ends until all jobs have ended, the stream is over, or Ctrl-C.
    private func follow(
        _ jobs: Set<JobID>, _ references: [JobReference], _ interrupt: LedgerInterrupt
    ) throws {
        // The stream of one job begins with its state. Of several, what ended before it was open is looked for again.
        let target = jobs.count == 1 ? jobs.first.map { "/v1/events?job=\($0)" } : nil
        let stream = try whileDaemonRestarts { try client.events("GET", target ?? "/v1/events") }
        var living = target == nil ? try self.living(references) : jobs
        let isOver = try LedgerInterrupt()
        defer { isOver.trigger() }
        let handle = StreamHandle(stream)
        try startThread { if interrupt.wait(or: isOver) == .this { handle.stream.shutDown() } }
        while !living.isEmpty, let event = stream.next() {
            guard event.name == "job",
                let notice = try? JSONDecoder().decode(JobNotice.self, from: Data(event.data.utf8))
            else { continue }
            if StateText.ended.contains(notice.state) { living.remove(notice.job) }
        }
    }

    /// A daemon that is started anew is no reason to stop waiting for its jobs.
    private func whileDaemonRestarts<Value>(_ ask: () throws -> Value) throws -> Value {
        let end = TimePoint.monotonicNow() + .seconds(30)
        while true {
            do { return try ask() } catch let failure as any ReportableError
                where failure.exitCode == .setupMissing
            {
                let interrupt = try Interruption.require()
                guard TimePoint.monotonicNow() < end, !interrupt.isTriggered else { throw failure }
                usleep(100_000)
            }
        }
    }
}
