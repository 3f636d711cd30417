internal import Backends
package import Essentials
package import HardwareTopology
internal import LoadGeneration
package import MachineAgent
package import Results
internal import Scheduling
internal import Telemetry

/// What a run is asked to do.
package struct BenchmarkOptions: Sendable {
    package var suite: String
    package var tier: Tier
    package var seed: UInt64
    /// The time the whole run may take; nil is as long as it needs.
    package var budget: Duration?
    package var folder: String?
    /// Only workloads whose name contains this.
    package var filter: String?
    /// The `heng` program, which the jobs run, and its version.
    package var program: String
    package var version: String
    package var user: String
    package var cache: String?
    package var environment: [String: String]

    package init(
        suite: String, tier: Tier, seed: UInt64, budget: Duration?, folder: String?, filter: String?,
        program: String,
        version: String, user: String, cache: String?, environment: [String: String]
    ) {
        self.suite = suite
        self.tier = tier
        self.seed = seed
        self.budget = budget
        self.folder = folder
        self.filter = filter
        self.program = program
        self.version = version
        self.user = user
        self.cache = cache
        self.environment = environment
    }
}

extension BenchmarkOptions {
    fileprivate func wants(_ workload: String) -> Bool { filter.map(workload.contains) ?? true }
}

/// One run of the suite `server`: the machine measured, models served and trained through the scheduler, all of it
/// recorded.
///
/// The record on disk is always true: it says that it is incomplete until the last step is over.
package final class BenchmarkRun {
    let options: BenchmarkOptions
    let rules: SuiteRules
    let tier: SuiteRules.TierRules
    let topology: Topology
    let allowed: CPUSet
    let jobs: JobRunner
    let stopper: RunStopper
    let say: @Sendable (String) -> Void
    private let start = TimePoint.monotonicNow()
    private let contention = ContentionReading.now()
    package let folder: RunFolder
    package private(set) var result: RunResult
    var ceilings: [MeasuredCeilings] = []
    let toldLimits = ToldLimits()

    package init(
        _ options: BenchmarkOptions, topology: Topology, allowed: CPUSet, scheduler: any JobScheduler,
        interrupt: LedgerInterrupt, say: @escaping @Sendable (String) -> Void
    ) throws {
        self.options = options
        rules = try SuiteRules.load(options.suite)
        tier = try rules.rules(for: options.tier)
        try BenchmarkRun.check(options, rules)
        self.topology = topology
        self.allowed = allowed
        stopper = try RunStopper(user: interrupt, deadline: options.budget.map { [start] in start + $0 })
        jobs = try JobRunner(scheduler: scheduler)
        let now = TimePoint.wallNow()
        folder = try RunFolder(options.folder, suite: options.suite, tier: options.tier, at: now)
        let begin = start
        self.say = {
            say(
                "[\((TimePoint.monotonicNow() - begin).inSeconds.formatted(digits: 0).leftPadded(to: 4)) s] \($0)"
            )
        }
        result = RunResult(
            runID: folder.path.split(separator: "/").last.map(String.init) ?? "run", suite: options.suite,
            tool: ToolRecord(version: options.version, buildFlags: "release"), rules: rules.record,
            tier: options.tier,
            seeds: RunSeeds(
                data: options.seed, order: options.seed &+ 1, schedule: options.seed &+ 2,
                challenge: options.seed &+ 3),
            started: now.iso8601, environment: EnvironmentCapture.record(of: topology, allowed: allowed))
        try save()
    }

    /// Does everything, and leaves a complete record, or a partial one that says why when something stops it.
    @discardableResult package func run() async throws -> RunResult {
        do {
            try await measureCeilings()
            for inference in rules.inference where options.wants(inference.model) {
                try await serve(inference)
            }
            if options.wants(TrainingSeries.name) { try await train() }
            try checkStops()
        } catch {
            result.abandon(because: stopper.why?.rawValue ?? "\(error)", at: TimePoint.wallNow().iso8601)
            // The first failure is the one to report; a record that cannot be written too is part of it.
            try? writeEverything()
            throw stopper.why.map { RunStopped(reason: $0, folder: folder.path) } ?? error
        }
        result.finish(at: TimePoint.wallNow().iso8601)
        try writeEverything()
        return result
    }

    /// Refuses, before anything runs, what could only end without a result.
    private static func check(_ options: BenchmarkOptions, _ rules: SuiteRules) throws {
        let wanted = rules.inference.filter { options.wants($0.model) }
        guard !wanted.isEmpty || options.wants(TrainingSeries.name) else {
            throw Failure(
                "No workload of suite \(rules.name) has \(options.filter ?? "") in its name.",
                nextStep: "See heng bench list.", exitCode: .wrongUse)
        }
        let tier = try rules.rules(for: options.tier)
        // Three scenarios and one audit of the same length; what surrounds them takes more.
        let least = tier.ceilingSeconds + Double(wanted.count) * 4 * tier.scenarioSeconds
        if let budget = options.budget, budget.inSeconds < least {
            throw Failure(
                "A budget of \(budget.inSeconds.formatted(significant: 3)) s is too short: tier "
                    + "\(options.tier.rawValue) measures for \(least.formatted(significant: 3)) s or more.",
                nextStep:
                    "Give more with --budget, take fewer workloads with --filter, or choose another --tier.",
                exitCode: .wrongUse)
        }
    }

    func add(_ workload: WorkloadResult) throws {
        result.workloads.append(workload)
        let verdict = workload.validity.verdict.rawValue
        let headline = workload.metrics.first.map { metric in
            "\(metric.name) \(metric.value?.formatted(significant: 4) ?? "-") \(metric.unit)"
        }
        say("\(workload.name) \(workload.scenario): \(headline ?? "no figure"), \(verdict)")
        try save()
    }

    func set(ceilings records: [CeilingRecord]) throws {
        result.ceilings = records
        try save()
    }

    func save() throws { try ResultFile.write(result, to: folder.file("result.json")) }

    private func writeEverything() throws {
        result.noise = NoiseRecord(HostContention(from: contention, to: .now()))
        try save()
        try ReportFiles.write(result, in: folder.path, topology: topology, lent: replicaPlan.lent)
    }

    /// Throws when the user or the budget wants the run to end.
    func checkStops() throws {
        if let why = stopper.why { throw RunStopped(reason: why, folder: folder.path) }
    }
}
