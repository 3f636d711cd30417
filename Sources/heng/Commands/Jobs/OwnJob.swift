internal import ArgumentParser
internal import ControlAPI
internal import Essentials
internal import Foundation
internal import HardwareTopology
internal import JobSubmission
internal import MachineAgent
internal import Scheduling
internal import TopologyDiscovery

/// A job that this very command starts, in its own terminal, and waits for.
struct OwnJob {
    var payload: Payload
    var draft: SubmissionDraft
    var outputFolder: String?
    var isQuiet: Bool

    static func refusal(of option: String) -> Failure {
        Failure(
            "\(option) needs hengd, and none runs for this state folder.",
            nextStep: "Start it with `heng up`, and submit again.", exitCode: .setupMissing)
    }

    func run() throws {
        let client = try DaemonAccess.find()
        if client == nil { try checkNeedsNoDaemon() }
        let environment = ProcessInfo.processInfo.environment
        let allowed = try Topology.allowedCPUs()
        let ranks = draft.ranks ?? 1
        let target = try OutputTarget(file: draft.output, folder: outputFolder, ranks: max(1, ranks))
        let submitter = Submitter(
            user: NSUserName(), environment: environment,
            workingDirectory: FileManager.default.currentDirectoryPath,
            within: allowed)
        let command = try payload.direct(in: try scriptFolder())
        defer {
            if payload.script != nil, payload.path == nil {
                try? FileManager.default.removeItem(atPath: temporary)
            }
        }
        let dependencies = try client.map { try JobLookup(client: $0).dependencies(draft.dependencies) }
        var request = try draft.jobRequest(
            command: command, by: submitter, dependencies: dependencies ?? [])
        request.isAttached = true
        let launch = draft.launch(command: command, script: nil, by: submitter)
        let specification = JobSpecification(
            request: request, environment: launch.environment,
            workingDirectory: draft.workingDirectory == nil ? nil : launch.workingDirectory,
            output: target.output,
            errorOutput: target.errorOutput, rankOutput: target.rankOutput, runFolder: target.runFolder,
            grace: launch.grace)
        let scheduler = try JobSchedulers.scheduler(
            of: client, try Topology.discover(), allowed: allowed)
        let interrupt = try Interruption.require()
        let runner = try JobRunner(scheduler: scheduler)
        let jobReport = try waitFor { [isQuiet] in
            try await runner.run(specification, interrupt: interrupt) { if !isQuiet { announce($0) } }
        }
        try leave(jobReport, ranks: ranks)
    }

    private func checkNeedsNoDaemon() throws {
        if let option = draft.daemonOnly.first { throw OwnJob.refusal(of: option) }
        if let output = draft.output, NameCheck.hasPattern(output) {
            throw OwnJob.refusal(of: "The pattern in --output \(output)")
        }
    }

    /// A folder of this process for a script that came as a text.
    private var temporary: String {
        let folder = ProcessInfo.processInfo.environment["TMPDIR"].flatMap { $0.hasPrefix("/") ? $0 : nil }
        return "\(folder ?? "/tmp")/heng-script-\(getpid())"
    }

    private func scriptFolder() throws -> String {
        guard payload.script != nil, payload.path == nil else { return temporary }
        do {
            try FileManager.default.createDirectory(
                atPath: temporary, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
        } catch {
            throw Failure(
                "The folder \(temporary) for the script cannot be made.",
                nextStep: "Set TMPDIR to a folder that you may write to.")
        }
        return temporary
    }

    private func leave(_ jobReport: JobReport, ranks: Int) throws {
        for (rank, outcome) in jobReport.outcomes.enumerated() where !outcome.verdict.isSuccess {
            let who = ranks > 1 ? "job \(jobReport.job), rank \(rank)" : "job \(jobReport.job)"
            report("heng: \(who): \(outcome.verdict)")
        }
        if jobReport.wasInterrupted {
            throw ArgumentParser.ExitCode(Essentials.ExitCode.interrupted.rawValue)
        }
        guard jobReport.exitCode == 0 else { throw ArgumentParser.ExitCode(jobReport.exitCode) }
        if let failure = jobReport.outputFailure { throw failure }
    }
}

/// Says on standard error what happens to a job, so that standard output is the command's own.
@Sendable func announce(_ news: JobNews) {
    switch news {
    case .accepted(let job): report("heng: job \(job) is queued.")
    case .waiting(let reason): report("heng: it waits: \(reason)")
    case .placed(let lease):
        for (rank, device) in lease.placement.ranks.enumerated() {
            report("heng: rank \(rank) gets \(device)")
        }
    case .started(let enforcement, let files):
        for line in enforcement.lines { report("heng: \(line)") }
        for file in files { report("heng: output goes to \(file)") }
    case .serving: break
    }
}
