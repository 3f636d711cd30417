internal import ArgumentParser
internal import ControlAPI
internal import Essentials
internal import Foundation
internal import JobSubmission
internal import Scheduling

struct SubmitCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "submit",
        abstract: "Submits a command or a script as a job on cores, memory and devices that nobody else has.",
        discussion: """
            Examples: heng submit --cores 1 --mem 256MiB -- uname -a
                      heng submit --array 0-9%2 --time 1h job.sh input
                      heng submit --ranks 2 -- sh -c 'echo rank $HENG_RANK of $HENG_WORLD_SIZE'

            With hengd running (heng up) the job is kept and the command returns at once. Without it, the job runs right
            here, its output is this command's, and options that need hengd are refused.
            The exit code of a job waited for is the command's own; 128 and the signal's number when a signal ended it.
            Lines #HENG and #SBATCH of a script are options; those of sbatch that are ignored are named.
            """)

    @OptionGroup(title: "The job") var job: SubmissionArguments

    @Option(
        help: "Keep what each rank prints in files rank-N.out and rank-N.err of this folder (without hengd).")
    var outputFolder: String?

    @Option(
        help: ArgumentHelp("A second submission with the same key is the first one's job.", valueName: "text")
    )
    var key: String?

    @Option(help: ArgumentHelp("Run this text with a shell.", valueName: "text"))
    var wrap: String?

    @Flag(name: [.customShort("W"), .long], help: "Wait for the end, and exit with the job's code.")
    var wait = false

    @Flag(help: "Only say what would happen.")
    var testOnly = false

    @OptionGroup var display: ListingOptions

    @Argument(parsing: .captureForPassthrough, help: "A script and its arguments, or -- and a command.")
    var words: [String] = []

    func validate() throws {
        if job.output != nil && outputFolder != nil {
            throw ValidationError("--output and --output-folder exclude each other.")
        }
    }

    func run() throws {
        // What follows the options is left to the script, so the parser has not seen this.
        if ["--help", "-h"].contains(words.first) { throw CleanExit.helpRequest(self) }
        let payload = try Payload(words, wrap: wrap)
        var draft = try job.draft(script: payload.script)
        if let key { try draft.set("--key", to: key, moments: MomentText(now: .wallNow())) }
        for line in draft.ignored { report("heng: \(line)") }
        if let client = try DaemonAccess.find() {
            guard outputFolder == nil else {
                throw Failure(
                    "--output-folder is for jobs that this command runs itself, and hengd runs here.",
                    nextStep: "Use -o 'FOLDER/rank-%t.out'.", exitCode: .wrongUse)
            }
            try submit(payload, draft, to: client)
        } else {
            if testOnly { throw OwnJob.refusal(of: "--test-only") }
            try OwnJob(
                payload: payload, draft: draft, outputFolder: outputFolder, isQuiet: display.quiet
            ).run()
        }
    }

    private func submit(_ payload: Payload, _ draft: SubmissionDraft, to client: DaemonClient) throws {
        let request = try DaemonJob(client).request(payload, draft, isTest: testOnly)
        if testOnly {
            let reply = try client.test(request)
            return try display.show(TestSheet(reply)) { reply.lines.joined(separator: "\n") }
        }
        let reply = try client.submit(request)
        try display.show(reply, names: [reply.job.description]) { reply.sentence }
        guard wait || draft.waits else { return }
        try JobWait(client).wait(for: [JobReference(reply.job)], says: !display.quiet).leave()
    }
}

/// What would become of a submission, as people and scripts read it.
private struct TestSheet: Encodable {
    /// Nil when nobody can say.
    var expectedStart: String?
    var lines: [String]

    init(_ reply: TestReply) {
        expectedStart = reply.start?.iso8601
        lines = reply.lines
    }
}

extension SubmitReply {
    fileprivate var sentence: String {
        let what = count == 1 ? "job \(job)" : "job \(job), an array of \(count) tasks"
        return isRepeated ? "Was submitted before as \(what)" : "Submitted \(what)"
    }
}
