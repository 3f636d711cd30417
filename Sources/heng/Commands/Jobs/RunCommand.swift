internal import ArgumentParser
internal import ControlAPI
internal import Essentials
internal import Foundation
internal import JobSubmission
internal import Scheduling

struct RunCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "run",
        abstract: "Runs a command or a script as a job, passes its output through, and waits for it.",
        discussion: """
            Examples: heng run --cores 2 -- ./train
                      heng run --ranks 2 -- sh -c 'echo rank $HENG_RANK of $HENG_WORLD_SIZE'

            The command runs in this terminal, on what hengd lends it, or without hengd on what is free; Ctrl-C ends it,
            and its exit code is this one's. What only an agent can do, such as another machine, an accelerator, a
            virtual device or a container, runs as a job of hengd whose output is passed through.
            """)

    @OptionGroup(title: "The job") var job: SubmissionArguments

    @Option(help: ArgumentHelp("Run this text with a shell.", valueName: "text"))
    var wrap: String?

    @Flag(name: .shortAndLong, help: "Say nothing about the job's progress; errors are still told.")
    var quiet = false

    @Argument(parsing: .captureForPassthrough, help: "A script and its arguments, or -- and a command.")
    var words: [String] = []

    func run() throws {
        // What follows the options is left to the script, so the parser has not seen this.
        if ["--help", "-h"].contains(words.first) { throw CleanExit.helpRequest(self) }
        let payload = try Payload(words, wrap: wrap)
        let draft = try job.draft(script: payload.script)
        for line in draft.ignored { report("heng: \(line)") }
        guard draft.array == nil else {
            throw Failure(
                "heng run runs one job, and --array makes many.", nextStep: "Use `heng submit -W --array`.",
                exitCode: .wrongUse)
        }
        guard draft.needsAgent(on: thisMachine()), let client = try DaemonAccess.find() else {
            return try OwnJob(payload: payload, draft: draft, outputFolder: nil, isQuiet: quiet).run()
        }
        try passThrough(payload, draft, client)
    }

    /// Runs it as a job of the daemon, and prints what it prints.
    private func passThrough(_ payload: Payload, _ draft: SubmissionDraft, _ client: DaemonClient) throws {
        var request = try DaemonJob(client).request(payload, draft)
        let folder = draft.output == nil ? try OutputTarget.makeTemporaryFolder() : nil
        defer { if let folder { try? FileManager.default.removeItem(atPath: folder) } }
        if let folder {
            request.launch.output = folder + "/%t.out"
            request.launch.errorOutput = request.launch.errorOutput ?? folder + "/%t.err"
        }
        let reply = try client.submit(request)
        if !quiet { report("heng: job \(reply.job) is queued.") }
        let listeners = folder == nil ? nil : try listen(to: reply.job, ranks: draft.ranks ?? 1, client)
        let ends = try waitOrCancel(reply.job, client)
        listeners?.wait()
        try ends.leave()
    }

    /// Two threads for each rank, which has files of its own for its output and its errors.
    private func listen(to job: JobID, ranks: Int, _ client: DaemonClient) throws -> DispatchGroup {
        let group = DispatchGroup()
        let address = client.address
        for rank in 0..<max(1, min(ranks, 64)) {
            let label = ranks > 1 ? "[\(rank)] " : nil
            for wantsErrors in [false, true] {
                group.enter()
                try startThread {
                    defer { group.leave() }
                    let output = JobOutput(
                        client: DaemonClient(address), job: job, rank: rank, wantsErrors: wantsErrors,
                        follows: true,
                        label: label)
                    do {
                        try output.pass(to: wantsErrors ? STDERR_FILENO : STDOUT_FILENO)
                    } catch {
                        report("heng: what job \(job) prints does not arrive: \(error)")
                    }
                }
            }
        }
        return group
    }

    private func waitOrCancel(_ job: JobID, _ client: DaemonClient) throws -> JobWait.Ends {
        let ends = try JobWait(client).wait(for: [JobReference(job)], says: true)
        guard ends.wasInterrupted else { return ends }
        _ = try client.act(JobActionRequest(.cancel, JobSelection(jobs: [JobReference(job)])))
        let end = TimePoint.monotonicNow() + .seconds(60)
        while try !StateText.ended.contains(client.job(job).state), TimePoint.monotonicNow() < end {
            usleep(20_000)
        }
        return ends
    }
}
