internal import ArgumentParser
internal import ControlAPI
internal import Essentials
internal import Foundation
internal import JobSubmission

struct LogsCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "logs", abstract: "Prints what a job has written.",
        discussion: """
            Examples: heng logs 12
                      heng logs -f last

            Ctrl-C ends the following and not the job.
            """)

    @Argument(help: "The job: 12, 12_3 or last.")
    var job: String

    @Flag(name: .shortAndLong, help: "Go on as it grows, until the job has ended.")
    var follow = false

    @Option(help: "Of which rank.")
    var rank: String?

    @Flag(name: .shortAndLong, help: "Its errors, where they go to a file of their own.")
    var errors = false

    func run() throws {
        let client = try DaemonAccess.require(for: "heng logs")
        let output = JobOutput(
            client: client, job: try JobLookup(client: client).job(job),
            rank: try rank.map { try Amounts.count($0, in: 0...1_000_000, option: "--rank") } ?? 0,
            wantsErrors: errors, follows: follow)
        // Nothing is left to do at Ctrl-C, so it may end this process at once.
        signal(SIGINT, SIG_DFL)
        try output.pass(to: STDOUT_FILENO)
    }
}
