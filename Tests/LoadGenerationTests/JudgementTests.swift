import Essentials
import Foundation
import LoadGeneration
import Results
import Telemetry
import TestSupport
import Testing

/// The checker must name the rule that a bad run breaks, and pass the good run that differs only in that.
@Suite("Judgement")
struct JudgementTests {
    /// Like the full tier, with limits that suit runs in virtual time.
    private static func rules(_ change: (inout LoadRules) -> Void = { _ in }) -> LoadRules {
        var rules = LoadRules(
            name: "test", version: "1", minimumDuration: .seconds(1), minimumQueries: 662, percentile: 0.99,
            latencyLimit: .milliseconds(20))
        change(&rules)
        return rules
    }

    /// A run of 100 s at a tenth of full load, so that waiting is rare and the halves agree; it keeps every rule.
    private static func good() throws -> LoadFacts {
        var facts = try simulateServer(rate: 100, count: 10_000) { _ in 0.001 }
        facts.contention = calm
        return facts
    }

    private static var calm: Reading<HostContention> {
        let reading = ContentionReading(
            moment: .zero, pressure: .available(.zero), steal: .available(.zero),
            involuntarySwitches: .available(0), majorFaults: .available(0), processorCount: 2)
        var later = reading
        later.moment = TimePoint(nanoseconds: 1_000_000_000)
        return .available(HostContention(from: reading, to: later))
    }

    @Test func `a good run keeps every rule`() throws {
        let validity = LoadJudgement.validity(of: try Self.good(), under: Self.rules())

        #expect(validity.failures == [])
        #expect(validity.verdict == .valid)
        #expect(
            validity.checks.map(\.rule) == [
                "run.finished", "completion.all", "completion.once", "completion.known", "errors.none",
                "output.finite", "duration.minimum", "queries.minimum", "clock.agreement", "host.contention",
                "rate.realised", "schedule.seed", "issue.slip", "latency.limit", "early.stopping",
                "halves.agreement",
            ])
    }

    @Test func `each fault of the system is found under its own rule, with the reason kept`() throws {
        let cases: [(SimulatedSystem.Fault, String, String)] = [
            (.answersTwice(id: 700), "completion.once", "1 answers beyond the first"),
            (.forgets(id: 700), "completion.all", "1 samples without an answer"),
            (.notFinite(id: 700), "output.finite", "1 answers with NaN or infinity"),
            (.fails(id: 700), "errors.none", "1 errors, first: the device was lost"),
            (.refuses(id: 0), "errors.none", "1 errors, first: no memory for sample"),
            (.invents(id: 700), "completion.known", "1 answers to samples that were never issued"),
        ]
        for (fault, rule, measured) in cases {
            var facts = try simulateServer(rate: 100, count: 10_000, fault: fault) { _ in 0.001 }
            facts.contention = Self.calm

            let validity = LoadJudgement.validity(of: facts, under: Self.rules())

            #expect(validity.verdict == .invalid, "\(rule)")
            #expect(validity.failures.map(\.rule) == [rule])
            #expect(validity.failures.first?.measured.hasPrefix(measured) == true, "\(validity.failures)")
            #expect(validity.failures.first?.remedy != nil)
        }
    }

    @Test func `a run one nanosecond too short is invalid`() throws {
        var facts = try Self.good()
        #expect(failedRules(facts, Self.rules { $0.minimumDuration = facts.countedDuration }) == [])

        facts.settings.minimumDuration = facts.countedDuration
        let rules = Self.rules { $0.minimumDuration = facts.countedDuration + .nanoseconds(1) }
        #expect(failedRules(facts, rules) == ["duration.minimum"])
    }

    @Test func `661 queries at p99 are too few, 662 are enough`() throws {
        func failed(_ count: Int) throws -> [String] {
            var facts = try simulateServer(rate: 500, count: count) { _ in 0.001 }
            facts.contention = Self.calm
            return failedRules(facts, Self.rules { $0.halvesTolerance = nil })
        }

        #expect(try failed(661) == ["queries.minimum"])
        #expect(try failed(662) == [])
    }

    @Test func `one query too many over the limit is invalid, also when the plain percentile holds`() throws {
        var facts = try Self.good()
        func slow(_ count: Int) -> LoadFacts {
            var facts = facts
            // Spread over the run, so that its halves agree.
            for index in 0..<count {
                facts.samples[index * 128].end = facts.samples[index * 128].scheduled + 30_000_000
            }
            return facts
        }
        facts.contention = Self.calm
        let rules = Self.rules { $0.halvesTolerance = nil }

        #expect(failedRules(slow(77), rules) == [])
        #expect(failedRules(slow(78), rules) == ["early.stopping"])
    }

    @Test func `more than 1024 queries over the limit are counted right`() throws {
        var facts = try simulateServer(rate: 500, count: 130_000) { _ in 0.001 }
        facts.contention = Self.calm
        let allowed = try #require(EarlyStopping(percentile: 0.99).discardable(of: 130_000))
        #expect(allowed > 1024)
        func slow(_ count: Int) -> LoadFacts {
            var facts = facts
            for index in 0..<count {
                facts.samples[index * 100].end = facts.samples[index * 100].scheduled + 30_000_000
            }
            return facts
        }
        let rules = Self.rules { $0.halvesTolerance = nil }

        #expect(failedRules(slow(allowed), rules) == [])
        #expect(failedRules(slow(allowed + 1), rules) == ["early.stopping"])
    }

    @Test func `an overloaded system breaks the latency limit`() throws {
        var facts = try simulateServer(rate: 1100, count: 10_000) { _ in 0.001 }
        facts.contention = Self.calm

        #expect(failedRules(facts, Self.rules()) == ["latency.limit", "early.stopping", "halves.agreement"])
    }

    @Test func `a realised rate 3 % off is invalid, and so is a schedule of another seed`() throws {
        var facts = try Self.good()
        for index in facts.samples.indices {
            facts.samples[index].scheduled = facts.samples[index].scheduled * 103 / 100
            facts.samples[index].issued = facts.samples[index].scheduled
            facts.samples[index].end = facts.samples[index].scheduled + 1_000_000
        }
        #expect(failedRules(facts, Self.rules()) == ["rate.realised", "schedule.seed"])

        var other = try Self.good()
        other.settings.seeds.schedule += 1
        #expect(failedRules(other, Self.rules()) == ["schedule.seed"])
    }

    @Test func `a generator that was held up makes the run inconclusive`() throws {
        var facts = try Self.good()
        for index in facts.samples.indices where index % 50 == 0 { facts.samples[index].issued += 6_000_000 }

        let validity = LoadJudgement.validity(of: facts, under: Self.rules())

        #expect(validity.failures.map(\.rule) == ["issue.slip"])
        #expect(validity.verdict == .inconclusive)
    }

    @Test func `a machine that changes its speed half way makes the run inconclusive`() throws {
        var facts = try Self.good()
        for index in facts.samples.indices.suffix(5000) { facts.samples[index].end? += 3_000_000 }

        let validity = LoadJudgement.validity(of: facts, under: Self.rules())

        #expect(validity.failures.map(\.rule) == ["halves.agreement"])
        #expect(validity.verdict == .inconclusive)
    }

    @Test func `a time under the physical floor is invalid`() throws {
        let facts = try Self.good()

        #expect(failedRules(facts, Self.rules { $0.floor = .milliseconds(1) }) == [])
        #expect(failedRules(facts, Self.rules { $0.floor = .milliseconds(2) }) == ["time.floor"])
    }

    @Test func `clocks 2 % apart and stolen time are told`() throws {
        var facts = try Self.good()
        facts.elapsedOnSystemClock = facts.elapsed / 100 * 102
        #expect(failedRules(facts, Self.rules()) == ["clock.agreement"])

        facts = try Self.good()
        facts.contention = .unavailable(reason: "no such file")
        let validity = LoadJudgement.validity(of: facts, under: Self.rules())
        #expect(validity.failures.map(\.rule) == ["host.contention"])
        #expect(validity.verdict == .valid)
    }

    @Test func `an interrupted run is invalid however good it looks`() throws {
        var facts = try Self.good()
        facts.wasInterrupted = true

        #expect(failedRules(facts, Self.rules()) == ["run.finished"])
    }

    @Test func `single stream needs 64 queries for a bound of p90`() throws {
        let rules = LoadRules(
            name: "test", version: "1", minimumDuration: .zero, minimumQueries: 1, percentile: 0.9,
            halvesTolerance: nil)
        func failed(_ count: Int) throws -> [String] {
            var facts = try simulateSingleStream(count: count) { _ in 0.001 }
            facts.contention = Self.calm
            return failedRules(facts, rules)
        }

        #expect(try failed(63) == ["early.stopping"])
        #expect(try failed(64) == [])
    }

    @Test func `rules survive the way through JSON, and a tier's rules are those of the table`() throws {
        for tier in Tier.allCases {
            let rules = LoadRules.standard(for: tier, scenario: .singleStream)
            let text = try JSONEncoder().encode(rules)
            #expect(try JSONDecoder().decode(LoadRules.self, from: text) == rules)
        }
        let full = LoadRules.standard(for: .full, scenario: .server(queriesPerSecond: 1))
        #expect(full.minimumQueries == EarlyStopping(percentile: 0.99).minimumQueries(over: 1))
        #expect(
            LoadRules.standard(for: .conformance, scenario: .offline(sampleCount: 1)).minimumQueries == 24_576
        )
    }
}

@Suite("Figures")
struct MetricTests {
    private let rules = LoadRules.standard(for: .quick, scenario: .singleStream)

    @Test func `single stream leads with the bound, and prints none below its minimum`() throws {
        let enough = try simulateSingleStream(count: 64) { _ in 0.002 }.metrics(under: rules)
        let few = try simulateSingleStream(count: 63) { _ in 0.002 }.metrics(under: rules)

        #expect(enough[0].name == "latency_p90")
        #expect(enough[0].value == 2)
        #expect(enough[0].confidence == 0.99)
        #expect(few[0].value == nil)
        #expect(few[0].reason == "63 queries; a bound of the p90 latency needs 64")
    }

    @Test func `server leads with the completed rate and logs both rates`() throws {
        let facts = try simulateServer(rate: 100, count: 1000) { _ in 0.001 }
        let metrics = facts.metrics(under: rules)

        #expect(
            metrics.map(\.name) == [
                "completed_rate", "latency_p90", "latency_p50", "scheduled_rate",
            ])
        #expect(metrics[0].value.map { abs($0 - 99.9) < 0.1 } == true)
        #expect(metrics[0].low.map { $0 < 99.9 } == true)
        #expect(metrics[3].value == 100)
        #expect(metrics[3].reason?.hasPrefix("the draws gave") == true)
    }

    @Test func `claims are held against the raw samples`() throws {
        let facts = try simulateServer(rate: 100, count: 1000) { _ in 0.001 }
        let claims = facts.metrics(under: rules)
        let again = LoadFacts(
            records: try SampleFile.decoded(SampleFile.encoded(facts.records())), settings: facts.settings,
            systemName: "s", libraryName: "l", librarySize: 100)

        let honest = ClaimCheck.checks(claims: claims.filter { $0.reason == nil }, facts: again, rules: rules)
        var edited = claims
        edited[0].value? *= 1.001
        let caught = ClaimCheck.checks(claims: edited, facts: again, rules: rules)

        #expect(honest.allSatisfy { $0.pass })
        #expect(honest.count >= 3)
        #expect(caught[0].rule == "metric.recomputed")
        #expect(!caught[0].pass)
    }

    @Test func `latency counted from sending is recognised as such`() throws {
        var facts = try simulateServer(rate: 100, count: 1000) { _ in 0.001 }
        for index in facts.samples.indices {
            facts.samples[index].issued += 5_000_000
            facts.samples[index].end? += 5_000_000
        }
        var flattering = facts
        for index in facts.samples.indices {
            flattering.samples[index].scheduled = facts.samples[index].issued
        }

        let checks = ClaimCheck.checks(
            claims: [flattering.metrics(under: rules)[1]], facts: facts, rules: rules)

        #expect(checks.map(\.rule) == ["latency.from-scheduled"])
        #expect(checks.map(\.pass) == [false])
    }
}

@Suite("Output audits")
struct OutputAuditTests {
    @Test func `an answer altered in one sample is found`() throws {
        let accuracy = try accuracyRun(loadable: 100)
        var timed = try simulateSingleStream(count: 200) { _ in 0.001 }
        #expect(OutputAudit.sameOutputs(timed: timed, accuracy: accuracy).pass)

        timed.samples[123].result += 1
        let audit = OutputAudit.sameOutputs(timed: timed, accuracy: accuracy)

        #expect(audit.id == "TEST01")
        #expect(!audit.pass)
        #expect(audit.detail.hasPrefix("199 of 200 answers equal"))
    }

    @Test func `a repeated sample that is 15 % faster shows a cache`() throws {
        let different = try simulateSingleStream(count: 200) { _ in 0.00115 }
        let cached = try simulateSingleStream(count: 200, picking: .repeated) { _ in 0.001 }
        let honest = try simulateSingleStream(count: 200, picking: .repeated) { _ in 0.00115 }

        #expect(!OutputAudit.noCaching([(different: different, repeated: cached)]).pass)
        #expect(OutputAudit.noCaching([(different: different, repeated: honest)]).pass)
    }

    @Test(arguments: [Scenario.singleStream, .server(queriesPerSecond: 100), .offline(sampleCount: 1)])
    func `accuracy mode asks for every sample once, in parts that fit`(scenario: Scenario) throws {
        let library = PartialLibrary(count: 100, loadableCount: 30)
        let facts = try accuracyRun(loadable: 30, scenario: scenario, library: library)

        #expect(facts.samples.map(\.sample) == (0..<100).map { Int32($0) })
        #expect(facts.results.count == 100)
        #expect(facts.results[57] == 7)
        #expect(
            library.log.entries == [
                "load 0-29", "unload", "load 30-59", "unload", "load 60-89", "unload", "load 90-99", "unload",
            ])
        #expect(
            LoadJudgement.validity(of: facts, under: .standard(for: .full, scenario: scenario)).failures == []
        )
    }

    private func accuracyRun(
        loadable: Int, scenario: Scenario = .singleStream, library: (any SampleLibrary)? = nil
    ) throws -> LoadFacts {
        let clock = VirtualClock()
        return try LoadGenerator(
            system: SimulatedSystem(clock: clock) { _ in 0.001 },
            library: library ?? ResidentLibrary(name: "numbers", count: 100),
            settings: LoadSettings(
                scenario: scenario, mode: .accuracy, minimumDuration: .zero, minimumQueries: 1,
                seeds: testSeeds),
            clock: clock
        ).run()
    }
}

/// A library that cannot load all its samples at once, and writes down what it did.
private struct PartialLibrary: SampleLibrary {
    let name = "partial"
    let count: Int
    let loadableCount: Int
    let log = Log()

    func load(_ indices: [Int32]) { log.append("load \(indices.first ?? -1)-\(indices.last ?? -1)") }
    func unload(_ indices: [Int32]) { log.append("unload") }
}
