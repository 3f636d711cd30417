internal import ArgumentParser
internal import ControlAPI
internal import Essentials
internal import Foundation
internal import MachineAgent
internal import Scheduling

struct ShowCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "show", abstract: "Shows all that is known of jobs: what was asked, given and used.",
        discussion: "Example: heng show last")

    @Argument(help: "Jobs: 12, 12_3, 12_[1-5,9], 12-20, last.")
    var jobs: [String]

    @OptionGroup var display: ListingOptions

    func run() throws {
        let client = try DaemonAccess.require(for: "heng show")
        let rows = try JobLookup(client: client).rows(jobs)
        let sheets = try rows.map { row in
            JobSheet(
                job: row, explanation: explanation(client, row),
                runs: try client.runs(of: row.job).map { RunSheet($0) })
        }
        try display.show(sheets, names: rows.map(\.job.description)) {
            sheets.map(\.text).joined(separator: "\n\n")
        }
    }
}

/// The reasons that the scheduler remembers; a job of the history has only its remark.
private func explanation(_ client: DaemonClient, _ row: JobTable.Row) -> [String] {
    (try? client.explanation(of: row.job).lines) ?? [row.remark]
}

/// All that is known of one job.
struct JobSheet: Encodable {
    var job: JobTable.Row
    var explanation: [String]
    var runs: [RunSheet]

    var text: String {
        let start: [(String, String)] = [
            ("Job", "\(job.title) \(job.name)"), ("State", job.state), ("User", job.user),
            ("Command", job.command.joined(separator: " ")), ("Submitted", job.submitted),
            ("Attempt", "\(job.attempt)"), ("Priority", "\(job.priority)"), ("Ranks", "\(job.ranks)"),
            ("Waited", seconds(job.waitedSeconds)), ("Ran", job.elapsedSeconds.map(seconds) ?? "-"),
            ("Time limit", job.limitSeconds.map(seconds) ?? "none"),
            ("CPUs", job.cpus.isEmpty ? "-" : "\(job.cpus)"),
            ("Memory", job.memory == .zero ? "-" : "\(job.memory)"),
            ("Exit code", job.exitCode.map { "\($0)" } ?? "-"),
        ]
        let comment = job.comment.map { [("Comment", $0)] } ?? []
        let lines = (start + comment + runLines).map { "\(($0.0 + ":").padded(to: 12)) \($0.1)" }
        return (lines + explanation.map { "  \($0)" }).joined(separator: "\n")
    }

    private var runLines: [(String, String)] {
        runs.flatMap { run -> [(String, String)] in
            var lines = [("Machine", "\(run.machine), attempt \(run.attempt)")]
            lines += run.processes.enumerated().map { ("Rank \($0.offset)", "process \($0.element)") }
            lines += run.enforcement.map { ("Limit", $0) }
            lines += run.files.map { ("Output", $0) }
            guard let end = run.end else { return lines }
            lines.append(("Ended", end.outcome))
            lines.append(
                ("CPU time", "\(seconds(end.userSeconds)) user, \(seconds(end.systemSeconds)) system"))
            if let peak = end.memoryPeak { lines.append(("Peak memory", "\(peak)")) }
            return lines + end.remarks.map { ("Remark", $0) }
        }
    }

    private func seconds(_ value: Double) -> String { "\(value.formatted(significant: 3)) s" }
}

/// What a machine said about an attempt, in plain figures.
struct RunSheet: Encodable {
    var machine: String
    var attempt: Int
    /// The first process of each rank.
    var processes: [Int32]
    var enforcement: [String]
    var files: [String]
    var end: End?

    struct End: Encodable {
        var outcome: String
        var elapsedSeconds: Double
        var userSeconds: Double
        var systemSeconds: Double
        var memoryPeak: ByteCount?
        var throttledSeconds: Double?
        var remarks: [String]
    }

    init(_ run: JobRun) {
        machine = run.machine
        attempt = run.attempt
        processes = run.start?.processes ?? []
        enforcement = run.start?.enforcement ?? []
        files = run.start?.files ?? []
        end = run.end.map { end in
            End(
                outcome: "\(end.outcome)", elapsedSeconds: end.usage.elapsed.inSeconds,
                userSeconds: end.usage.userTime.inSeconds, systemSeconds: end.usage.systemTime.inSeconds,
                memoryPeak: end.usage.memoryPeak, throttledSeconds: end.usage.throttledTime?.inSeconds,
                remarks: end.remarks)
        }
    }
}

struct ExplainCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "explain", abstract: "Says why a job waits and for whom, or why it lies where it lies.",
        discussion: "Example: heng explain last")

    @Argument(help: "The job: 12, 12_3 or last.")
    var job: String

    @OptionGroup var display: ListingOptions

    func run() throws {
        let client = try DaemonAccess.require(for: "heng explain")
        let explanation = try client.explanation(of: try JobLookup(client: client).job(job))
        try display.show(explanation, names: explanation.lines) { explanation.description }
    }
}

struct WaitCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "wait", abstract: "Waits until jobs have ended, and exits with their code.",
        discussion: """
            Example: heng wait 12-14 last

            The exit code is that of the first job, in the order of their numbers, that did not succeed. Ctrl-C ends the
            waiting and not the jobs.
            """)

    @Argument(help: "Jobs: 12, 12_3, 12_[1-5,9], 12-20, last.")
    var jobs: [String]

    @OptionGroup var display: ListingOptions

    func run() throws {
        let client = try DaemonAccess.require(for: "heng wait")
        let lookup = JobLookup(client: client)
        _ = try lookup.rows(jobs)
        let ends = try JobWait(client).wait(for: try lookup.references(jobs), says: !display.quiet)
        if !ends.wasInterrupted {
            try display.show(JobTable(rows: ends.rows), names: ends.rows.map(\.job.description)) {
                ends.rows.map { "Job \($0.title) is \($0.state)." }.joined(separator: "\n")
            }
        }
        try ends.leave()
    }
}

/// A variable of the environment, when it is set and not empty.
func environmentValue(_ name: String) -> String? {
    let value = ProcessInfo.processInfo.environment[name]
    return value?.isEmpty == false ? value : nil
}
