internal import Backends
internal import Essentials
internal import HardwareTopology
internal import MachineAgent
internal import Results
internal import Scheduling
internal import Synchronization

extension BenchmarkRun {
    var replicaPlan: ReplicaPlan { ReplicaPlan(topology, allowed: allowed) }

    /// Runs a worker as a job and waits for it; a worker that fails ends the run with what it said last.
    func runJob(_ worker: Worker, name: String, _ resources: ResourceRequest) async throws {
        try checkStops()
        let report = try await jobs.run(
            specification(worker, name: name, resources), interrupt: stopper.jobs, observe: announce(name))
        try require(report, name: name, ranks: resources.ranks)
    }

    func specification(
        _ worker: Worker, name: String, _ resources: ResourceRequest, requestCapacity: Int? = nil
    ) -> JobSpecification {
        var resources = resources
        // A small node's memory is shared out instead, so that the scheduler can place the job at all.
        let most = topology.numaNodes.map(\.memory.bytes).min() ?? 0
        resources.memory = min(worker.memory, ByteCount(bytes: most / (2 * resources.ranks)))
        return JobSpecification(
            request: JobRequest(
                resources: resources,
                label: JobLabel(
                    user: options.user, name: "bench-\(name)",
                    command: [options.program, "bench-worker"] + worker.arguments)),
            environment: options.environment, output: .file(logFile(name)),
            runFolder: folder.file("logs/\(name)"),
            requestCapacity: requestCapacity)
    }

    func logFile(_ name: String) -> String { folder.file("logs/\(name).log") }

    /// Tells where the job went, and how its limits are enforced unless an earlier job's were enforced alike.
    func announce(_ name: String) -> @Sendable (JobNews) -> Void {
        let say = say
        let told = toldLimits
        return { news in
            switch news {
            case .accepted: break
            case .waiting(let reason): say("\(name): waits: \(reason)")
            case .placed(let lease):
                let places = lease.placement.ranks.map { "\($0)" }.joined(separator: " | ")
                say("\(name): job \(lease.job) on \(places)")
            case .started(let enforcement, _):
                for entry in enforcement.entries where told.isNew(entry) {
                    say(
                        "\(name): limit of \(entry.limit.rawValue): \(entry.strength.rawValue), \(entry.means)"
                    )
                }
            case .serving: break
            }
        }
    }

    func require(_ report: JobReport, name: String, ranks: Int) throws {
        try checkStops()
        guard report.exitCode == 0 else {
            // A disk that is full shows here too, and explains more than a job can that cannot even log.
            try save()
            let verdicts = report.outcomes.map { "\($0.verdict)" }.joined(separator: ", ")
            throw Failure(
                "The job \(name) failed: \(verdicts)."
                    + (lastWords(name, ranks: ranks).map { " Its last words: \($0)" } ?? ""),
                nextStep: "Its whole output is in \(folder.file("logs")).")
        }
    }

    private func lastWords(_ name: String, ranks: Int) -> String? {
        let files = [logFile(name)] + (0..<ranks).map { folder.file("logs/\(name)/rank-\($0).err") }
        for file in files {
            // A job that never wrote has no file.
            guard let bytes = try? DurableFile.read(file), !bytes.isEmpty else { continue }
            let lines = String(decoding: bytes, as: UTF8.self).split(separator: "\n")
            if let last = lines.last(where: { $0.contains("heng:") }) ?? lines.last { return String(last) }
        }
        return nil
    }

    /// A request for all allowed cores of one NUMA node.
    func wholeNode(_ node: Int) -> ResourceRequest {
        let cores = topology.usableCores(onNode: node, allowed).count
        return ResourceRequest(cores: .cores(cores), numa: .required(node), within: allowed)
    }

    /// The nodes with cores that this process may use.
    var usableNodes: [Int] { topology.usableNodes(allowed) }

    /// Measures what each NUMA node can do, one after the other.
    func measureCeilings() async throws {
        var records: [CeilingRecord] = []
        for node in usableNodes {
            say("ceilings: measuring fp32 and memory of NUMA node \(node)")
            let answer = folder.file("answers/ceilings-\(node).json")
            try await runJob(
                .ceilings(seconds: tier.ceilingSeconds, answer: answer), name: "ceilings-\(node)",
                wholeNode(node))
            let measured = try WorkerAnswer.read([MeasuredCeilings].self, from: answer)
            ceilings += measured
            records += measured.map { ceiling in
                say(
                    "ceilings: node \(node) reaches \((ceiling.operationsPerSecond / 1e9).formatted(significant: 4)) "
                        + "GFLOP/s (matrix product \((ceiling.matrixProduct / 1e9).formatted(significant: 4))) and "
                        + "\((ceiling.bytesPerSecond / 1e9).formatted(significant: 3)) GB/s")
                return CeilingRecord(
                    place: "numa:\(node)",
                    flops: ["fp32": ceiling.operationsPerSecond, "sgemm": ceiling.matrixProduct],
                    bandwidth: ["dram": ceiling.bytesPerSecond], source: ceiling.how,
                    when: TimePoint.wallNow().iso8601)
            }
        }
        try set(ceilings: records)
    }
}

/// The ways of enforcing a limit that the user has been told of.
final class ToldLimits: Sendable {
    private let seen = Mutex<Set<String>>([])

    func isNew(_ entry: EnforcementReport.Entry) -> Bool {
        seen.withLock { $0.insert("\(entry.limit) \(entry.strength) \(entry.means)").inserted }
    }
}
