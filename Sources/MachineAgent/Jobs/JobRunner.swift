package import Collectives
internal import ControlAPI
package import Essentials
package import Scheduling

/// What one job is to run, and how it is heard.
package struct JobSpecification: Sendable {
    package var request: JobRequest
    package var environment: [String: String]
    package var workingDirectory: String?
    /// Where the output of a single process goes, and its errors too unless `errorOutput` says otherwise.
    package var output: StepOutput
    package var errorOutput: StepOutput?
    /// How several ranks are heard.
    package var rankOutput: RankOutput
    /// Where ranks keep their table and their output; not needed for a single process without a queue.
    ///
    /// It is made, and with labelled output removed at the end.
    package var runFolder: String
    package var grace: Duration
    /// The records of a request queue that the ranks serve together; nil is no queue.
    package var requestCapacity: Int?

    package init(
        request: JobRequest, environment: [String: String], workingDirectory: String? = nil,
        output: StepOutput = .inherited, errorOutput: StepOutput? = nil, rankOutput: RankOutput = .files,
        runFolder: String, grace: Duration = .seconds(5), requestCapacity: Int? = nil
    ) {
        self.request = request
        self.environment = environment
        self.workingDirectory = workingDirectory
        self.output = output
        self.errorOutput = errorOutput
        self.rankOutput = rankOutput
        self.runFolder = runFolder
        self.grace = grace
        self.requestCapacity = requestCapacity
    }
}

/// What happens to a job while somebody watches it.
package enum JobNews: Sendable {
    case accepted(JobID)
    case waiting(WaitReason)
    case placed(Lease)
    case started(EnforcementReport, outputFiles: [String])
    /// The ranks serve the request queue in this region.
    case serving(SharedRegion)
}

/// How a job went.
package struct JobReport: Sendable {
    package var job: JobID
    package var phase: JobPhase
    package var outcomes: [StepOutcome]
    /// As a shell has it: the code of the first rank that failed, or zero.
    package var exitCode: Int32
    package var wasInterrupted: Bool
    /// Why the ranks' labelled output did not all arrive; nil when it did.
    package var outputFailure: Failure?
}

/// Takes a job through its whole life inside one command: submitted, placed, started, watched, reported.
///
/// Every call blocks; nothing of the job is left when `run` returns or throws.
package struct JobRunner: Sendable {
    private let scheduler: any JobScheduler
    private let isolation: Isolation
    private let supervisor: SupervisorProgram

    package init(scheduler: any JobScheduler) throws {
        self.scheduler = scheduler
        isolation = Isolation.detect()
        supervisor = try SupervisorProgram.locate()
    }

    /// Runs the job to its end; an interrupt takes it back while it waits and stops it while it runs.
    ///
    /// A program that is not there is told at once with a `StepError`, before the job waits for its place.
    package func run(
        _ specification: JobSpecification, interrupt: LedgerInterrupt,
        observe: @Sendable (JobNews) -> Void = { _ in }
    ) async throws -> JobReport {
        try ProgramLookup.require(
            specification.request.label.command, environment: specification.environment,
            workingDirectory: specification.workingDirectory)
        let job = try scheduler.submit(specification.request)
        observe(.accepted(job))
        let lease = try scheduler.waitForPlacement(of: job, interrupt: interrupt) { observe(.waiting($0)) }
        observe(.placed(lease))
        let steps: RunningJob
        do {
            steps = try await start(specification, lease)
        } catch {
            try scheduler.finish(lease, AttemptEnd(outcome: .launchFailed("\(error)")))
            throw error
        }
        observe(.started(steps.enforcement, outputFiles: steps.outputFiles))
        if let region = steps.requestRegion { observe(.serving(region)) }
        return try await watch(steps, lease, interrupt)
    }

    private func watch(
        _ running: RunningJob, _ lease: Lease, _ interrupt: LedgerInterrupt
    ) async throws -> JobReport {
        let ended = try LedgerInterrupt()
        let stopper = Stopper(
            scheduler: scheduler, lease: lease, running: running, ended: ended, interrupt: interrupt)
        do {
            try scheduler.reportStarted(lease, steps(running))
            try stopper.start()
        } catch {
            running.terminate()
            _ = await running.wait()
            ended.trigger()
            _ = try scheduler.finish(lease, AttemptEnd(outcome: .launchFailed("\(error)")))
            throw error
        }
        let end = await running.wait()
        ended.trigger()
        let first = end.outcomes[end.firstFailure ?? 0]
        var report = AttemptEnd(end.outcomes.map { .ended($0) }, firstRank: 0)
        report.outcome = JobOutcome(first.verdict)
        let phase = try scheduler.finish(lease, report)
        return JobReport(
            job: lease.job, phase: phase, outcomes: end.outcomes, exitCode: first.shellExitCode,
            wasInterrupted: interrupt.isTriggered, outputFailure: end.outputFailure)
    }

    private func start(_ specification: JobSpecification, _ lease: Lease) async throws -> RunningJob {
        let devices = lease.placement.ranks
        let resources = lease.request.resources
        let slots = devices.map {
            RankSlot($0, memoryMode: resources.memoryMode, quality: resources.quality)
        }
        let command = specification.request.label.command
        guard slots.count > 1 || specification.requestCapacity != nil else {
            let rank = RankEnvironment(job: lease.job, rank: 0, worldSize: 1, slot: slots[0], tablePath: nil)
            let step = try RunningStep.start(
                StepSpecification(
                    name: "job-\(lease.job)", command: command,
                    environment: specification.environment.merging(rank.variables) { $1 },
                    workingDirectory: specification.workingDirectory, cpus: slots[0].cpus,
                    numa: slots[0].numa,
                    memory: slots[0].memory, cpuShare: slots[0].cpuShare, output: specification.output,
                    errorOutput: specification.errorOutput ?? specification.output,
                    cpuWeight: slots[0].cpuWeight, grace: specification.grace),
                isolation: isolation, supervisor: supervisor)
            return .step(step)
        }
        try makeRunFolder(specification.runFolder)
        let launcher = RankLauncher(isolation: isolation, supervisor: supervisor)
        return .ranks(
            try await launcher.start(
                RankSpecification(
                    job: lease.job, command: command, environment: specification.environment,
                    workingDirectory: specification.workingDirectory, slots: slots,
                    runFolder: specification.runFolder, output: specification.rankOutput,
                    grace: specification.grace, requestCapacity: specification.requestCapacity)))
    }

    /// What a daemon shows of a job that runs.
    private func steps(_ running: RunningJob) -> AttemptRun {
        AttemptRun(
            processes: running.steps.map(\.pid), enforcement: running.enforcement.lines,
            files: running.steps.flatMap { step -> [String] in
                guard case .file(let output) = step.specification.output,
                    case .file(let error) = step.specification.errorOutput
                else { return [] }
                return [output, error]
            })
    }

    private func makeRunFolder(_ path: String) throws {
        do {
            try Files.makeFolders(path)
        } catch {
            throw Failure(
                "The folder \(path) for the job's ranks cannot be made: \(sentence(error.code)).",
                nextStep: "Choose a folder that you may write to, with TMPDIR or --output-folder.")
        }
    }
}

/// The processes of a job: one step, or ranks.
private enum RunningJob: Sendable {
    case step(RunningStep)
    case ranks(RunningRanks)

    var steps: [RunningStep] {
        switch self {
        case .step(let step): [step]
        case .ranks(let ranks): ranks.steps
        }
    }

    /// All ranks ask for the same kinds of limits, so the first one's report speaks for all.
    var enforcement: EnforcementReport { steps[0].enforcement }

    var outputFiles: [String] {
        switch self {
        case .step(let step): if case .file(let path) = step.specification.output { [path] } else { [] }
        case .ranks(let ranks): ranks.table.ranks.compactMap(\.output)
        }
    }

    var requestRegion: SharedRegion? {
        if case .ranks(let ranks) = self { ranks.requestRegion } else { nil }
    }

    func terminate() {
        switch self {
        case .step(let step): step.terminate()
        case .ranks(let ranks): ranks.terminate()
        }
    }

    func wait() async -> RankOutcomes {
        switch self {
        case .step(let step): RankOutcomes(outcomes: [await step.wait()])
        case .ranks(let ranks): await ranks.wait()
        }
    }
}

/// Two waiting threads that stop the job: one when the ledger says so, one when the user does.
private struct Stopper: Sendable {
    let scheduler: any JobScheduler
    let lease: Lease
    let running: RunningJob
    let ended: LedgerInterrupt
    let interrupt: LedgerInterrupt

    func start() throws {
        try startThread {
            // A ledger that cannot be read stops nobody: the job goes on and its end is reported all the same.
            let reason = try? scheduler.stopRequest(for: lease, interrupt: ended) { signal in
                for step in running.steps { step.send(signal) }
            }
            if reason != nil { running.terminate() }
        }
        try startThread {
            guard interrupt.wait(or: ended) == .this else { return }
            // As above; with a ledger that can be written, the job counts as cancelled and not as failed.
            _ = try? scheduler.cancel(lease.job)
            running.terminate()
        }
    }
}
