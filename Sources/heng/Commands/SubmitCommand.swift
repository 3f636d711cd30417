internal import ArgumentParser
internal import Essentials
internal import Foundation
internal import HardwareTopology
internal import MachineAgent
internal import Scheduling
internal import TopologyDiscovery

struct SubmitCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "submit",
        abstract: "Runs a command as a job on cores and memory that nobody else has, and waits for it.",
        discussion: """
            Examples: heng submit --cores 1 --mem 256MiB -- uname -a
                      heng submit --ranks 2 -- sh -c 'echo rank $HENG_RANK of $HENG_WORLD_SIZE'

            What several ranks print comes out line by line, each line after its rank, as in: [0] text
            The exit code is the command's own; 128 and the signal's number when a signal ended it.
            """)

    @Option(help: "The kind of device: cpu, whose devices are the NUMA nodes.")
    var device = "cpu"

    @Option(help: "The part of one device's compute, over 0 and up to 1.")
    var share: String?

    @Option(help: "Cores, such as 2 or 0.5.")
    var cores: String?

    @Option(help: "Memory, such as 512MiB or 2GiB.")
    var mem: String?

    @Option(help: "The NUMA node to run on, by its number in heng topology.")
    var numa: Int?

    @Option(help: "Processes that start together, each with a share of its own.")
    var ranks = 1

    @Option(help: "How ranks spread: numa is one per NUMA node, device is one per virtual device.")
    var per: Spread = .device

    @Flag(help: "Allow a rank to span NUMA nodes when no single node could hold it.")
    var span = false

    @Option(help: "A name for the job.")
    var name: String?

    @Option(name: .shortAndLong, help: "Write all that the command prints to this file.")
    var output: String?

    @Option(help: "Keep what each rank prints in files rank-N.out and rank-N.err of this folder.")
    var outputFolder: String?

    @Flag(name: .shortAndLong, help: "Say nothing about the job's progress; errors are still told.")
    var quiet = false

    @Option(help: "Higher runs first.")
    var priority = 0

    @Argument(parsing: .postTerminator, help: "The command, after --.")
    var command: [String] = []

    enum Spread: String, ExpressibleByArgument, CaseIterable { case numa, device }

    func validate() throws {
        if output != nil && outputFolder != nil {
            throw ValidationError("--output and --output-folder exclude each other.")
        }
    }

    func run() throws {
        let environment = ProcessInfo.processInfo.environment
        let request = try request()
        let topology = try Topology.discover()
        let scheduler = try EmbeddedScheduler(
            folder: try LedgerFolder.path(environment: environment), topology: topology,
            allowedCPUs: try Topology.allowedCPUs())
        let target = try OutputTarget(file: output, folder: outputFolder, ranks: ranks)
        let specification = JobSpecification(
            request: request, environment: environment, output: target.output,
            errorOutput: target.errorOutput,
            rankOutput: target.rankOutput, runFolder: target.runFolder)
        let interrupt = try Interruption.require()
        let runner = try JobRunner(scheduler: scheduler)
        let jobReport = try waitFor { [quiet] in
            try await runner.run(specification, interrupt: interrupt) { if !quiet { announce($0) } }
        }
        try leave(jobReport)
    }

    private func leave(_ jobReport: JobReport) throws {
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

    private func request() throws -> JobRequest {
        JobRequest(
            resources: ResourceRequest(
                deviceKind: device,
                share: try share.map { try parsedAmount($0, "--share", "0.5") { DeviceShare(parsing: $0) } },
                cores: try cores.map {
                    try parsedAmount($0, "--cores", "2 or 0.5") { CoreAmount(parsing: $0) }
                },
                memory: try mem.map { try parsedAmount($0, "--mem", "2GiB") { ByteCount(parsing: $0) } }
                    ?? .zero,
                numa: numa.map { .required($0) } ?? .any, maySpan: span, ranks: ranks,
                spread: per == .numa ? .perNUMANode : .perVirtualDevice,
                within: try Topology.allowedCPUs()),
            priority: priority, label: JobLabel(user: NSUserName(), name: name, command: command))
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
