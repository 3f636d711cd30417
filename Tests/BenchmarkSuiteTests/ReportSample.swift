import Essentials
import LoadGeneration
import Results
import Synchronization
import Telemetry

/// A result as a two-core machine gives it, made in virtual time: same bytes on every run.
struct ReportSample {
    var result: RunResult
    var samples: [String: [SampleRecord]] = [:]

    init() throws {
        result = RunResult(
            runID: "2026-02-03T04-05-06Z-a1b2", suite: "server",
            tool: ToolRecord(version: "0.1.0", git: "0123abc", buildFlags: "-c release"),
            rules: RuleSetRecord(name: "quick", version: "1", sha256: String(repeating: "4f", count: 32)),
            tier: .quick, seeds: RunSeeds(data: 11, order: 22, schedule: 33, challenge: 44),
            started: "2026-02-03T04:05:06.000Z",
            environment: EnvironmentRecord(
                machine: "bench-01",
                cpu: CPURecord(
                    model: "AMD EPYC 7R13 Processor", packages: 1, cores: 2, processingUnits: 2,
                    features: ["avx2", "fma"]),
                memoryBytes: 24 << 30, numa: [NUMARecord(node: 0, memoryBytes: 24 << 30, cpus: "0-1")],
                os: "Debian GNU/Linux 12 (bookworm)", kernel: "6.1.0-18-amd64",
                libraries: ["openblas": "0.3.21", "hwloc": "2.9.0"],
                limits: ["affinity": "0-1", "cgroup_cpu_quota": "none"],
                warnings: ["The load average was 3.1 on 2 cores when the run began."],
                unavailable: [
                    UnavailableField(field: "pmu", reason: "no event source: the hypervisor offers none"),
                    UnavailableField(field: "cpu_frequency", reason: "no cpufreq folder: virtual machine"),
                    UnavailableField(field: "power", reason: "no RAPL domain under /sys/class/powercap"),
                ]))
        result.noise = NoiseRecord(steal: 0.031, pressure: 0.42, involuntarySwitches: 18_211)
        result.ceilings = [
            CeilingRecord(
                place: "numa:0", flops: ["fp32": 6.71e10], bandwidth: ["dram": 1.08e10], source: "measured",
                when: "2026-02-03T04:05:12.000Z")
        ]
        try addInference("resnet50", milliseconds: 21, flop: 0.67e9, bytes: 1.03e8, limit: 120)
        try addInference("bert_small", milliseconds: 26, flop: 0.87e9, bytes: 4.6e7, limit: 150)
        addTraining()
        result.finish(at: "2026-02-03T04:07:31.000Z")
    }

    private mutating func addInference(
        _ name: String, milliseconds: Double, flop: Double, bytes: Double, limit: Double
    ) throws {
        let scenarios: [Scenario] = [
            .singleStream, .server(queriesPerSecond: (name == "resnet50" ? 0.35e3 : 0.5e3) / milliseconds),
            .offline(sampleCount: 400),
        ]
        for scenario in scenarios {
            // The second network is asked for more than it can serve, so that the report has a failure to show.
            let isFailing = name == "bert_small" && scenario.name == "server"
            let clock = VirtualClock()
            var facts = try LoadGenerator(
                system: WanderingSystem(clock: clock, seconds: milliseconds / 1e3 * (isFailing ? 1.5 : 1)),
                library: ResidentLibrary(name: name, count: 500),
                settings: LoadSettings(
                    scenario: scenario, minimumDuration: .seconds(5), minimumQueries: 64, seeds: result.seeds),
                clock: clock
            ).run()
            // The contention of the machine that runs the test must not get into the page.
            facts.contention = .unavailable(reason: "virtual time")
            var rules = LoadRules.standard(for: .quick, scenario: scenario)
            if scenario.name == "server" { rules.latencyLimit = .milliseconds(Int(limit)) }
            add(facts, rules: rules, name: name, scenario: scenario, flop: flop, bytes: bytes)
        }
    }

    private mutating func add(
        _ facts: LoadFacts, rules: LoadRules, name: String, scenario: Scenario, flop: Double, bytes: Double
    ) {
        let file = "samples-\(name)-\(scenario.name).csv"
        var workload = facts.workloadResult(name: name, version: "1", rules: rules)
        workload.quality = Quality(
            metric: "top1", value: 0.866, reference: 0.868, target: 0.859, n: 500, low: 0.833, pass: true)
        workload.audits = [
            Audit(id: "TEST01", pass: true, detail: "214 of 214 answers equal those of the accuracy run"),
            Audit(
                id: "TEST04", pass: true, detail: "one repeated sample is 0.8 % slower than different ones"),
        ]
        workload.samples = SamplesRecord(
            file: file, sha256: String(repeating: "a7", count: 32), columns: SampleFile.columns)
        workload.modelSHA256 = String(repeating: "5e", count: 32)
        let rate = facts.completedRate ?? 0
        workload.work = WorkRecord(
            flopPerSample: flop, compulsoryBytesPerSample: bytes, samplesPerSecond: rate, place: "numa:0")
        let floor = max(flop / 6.71e10, bytes / 1.08e10)
        workload.setCeiling(scenario == .singleStream ? floor * 1e3 : 1 / floor, floorSeconds: floor)
        result.workloads.append(workload)
        samples[file] = facts.records()
    }

    private mutating func addTraining() {
        var random = SeededGenerator(seed: 9)
        let runs = (0..<3).map { run in
            let history = (0..<40).map { step in
                TrainingPoint(
                    step: step * 8, seconds: 0.011 * Double(step) * (1 + 0.1 * Double(run)),
                    loss: 2.3 * pow(0.9, Double(step)) + 0.06 + 0.02 * random.uniform(),
                    accuracy: 0.98 - 0.88 * pow(0.86, Double(step)) - 0.006 * random.uniform())
            }
            let end = history.firstIndex { ($0.accuracy ?? 0) >= 0.97 } ?? history.count - 1
            return TrainingRun(
                seed: UInt64(run + 1), target: 0.97, reached: (history[end].accuracy ?? 0) >= 0.97,
                seconds: history[end].seconds, steps: history[end].step, history: Array(history[...end]))
        }
        result.workloads.append(
            WorkloadResult(
                name: "digits_mlp", version: "1", scenario: "training", params: ["batch": .whole(32)],
                metrics: [
                    Metric(
                        name: "time_to_target", unit: "s", better: .lower, value: 0.33, low: 0.31, high: 0.36,
                        confidence: 0.95, method: "median of 3", n: 3),
                    Metric(
                        name: "training_rate", unit: "samples/s", better: .higher, value: 41_250, low: 39_800,
                        high: 42_900, confidence: 0.95, method: "batch-means(20)", n: 12_000),
                ],
                quality: Quality(metric: "accuracy", value: 0.972, target: 0.97, n: 360, pass: true),
                validity: Validity(checks: [
                    Check(rule: "target.reached", measured: "3 of 3 runs", required: "at least 3", pass: true)
                ]),
                training: runs,
                notes: [
                    "One NUMA node: the two ranks share it, so their agreement is shown, not their speed."
                ]))
    }

    private func pow(_ base: Double, _ exponent: Double) -> Double {
        (0..<Int(exponent)).reduce(1) { value, _ in value * base }
    }
}

/// A queue with one server whose service time wanders as on a shared machine.
private final class WanderingSystem: SystemUnderTest {
    private struct State {
        var busyUntil = TimePoint.zero
        var random = SeededGenerator(seed: 77)
        var slowdown = 1.0
    }

    let name = "wandering"
    private let clock: VirtualClock
    private let seconds: Double
    private let state = Mutex(State())

    init(clock: VirtualClock, seconds: Double) {
        self.clock = clock
        self.seconds = seconds
    }

    func issue(_ query: Span<QuerySample>, completions: Completions) {
        for index in query.indices {
            let sample = query[index]
            let end = finish()
            clock.schedule(at: end) {
                completions.complete(Response(id: sample.id, result: sample.index % 10))
            }
        }
    }

    private func finish() -> TimePoint {
        state.withLock { state in
            if state.random.below(40) == 0 { state.slowdown = 1 + 0.4 * state.random.uniform() }
            let hiccup = state.random.below(30) == 0 ? 1.6 : 1
            let time = seconds * state.slowdown * hiccup * (1 + 0.05 * state.random.uniform())
            state.busyUntil = max(clock.now(), state.busyUntil) + .nanoseconds(Int64(time * 1e9))
            return state.busyUntil
        }
    }
}
