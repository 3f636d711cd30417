import Essentials
import Glibc
import LoadGeneration
import Telemetry
import TestSupport
import Testing

/// The generator, the schedule and the percentile code against queues whose answers are known in closed form.
@Suite("Queueing theory in virtual time")
struct QueueingTheoryTests {
    @Test func `with one query at a time the latency is the service time, exactly`() throws {
        let facts = try simulateSingleStream(count: 500) { _ in 0.002 }

        #expect(facts.latencies.allSatisfy { $0 == 2_000_000 })
        #expect(facts.samples.count == 500)
        #expect(facts.completedRate == 500)
    }

    @Test(arguments: [0.3, 0.5, 0.7])
    func `constant service makes the mean wait of M/D/1 within 1 %`(load: Double) throws {
        let service = 0.001
        let facts = try simulateServer(rate: load / service, count: 1_000_000) { _ in service }

        let waits = facts.latencies.map { $0 / 1e9 - service }
        let mean = waits.reduce(0, +) / Double(waits.count)

        let expected = load * service / (2 * (1 - load))
        #expect(abs(mean - expected) < 0.01 * expected, "\(mean) s instead of \(expected) s")
    }

    @Test(arguments: [0.3, 0.5])
    func `exponential service makes the p99 of M/M/1 within 1 %`(load: Double) throws {
        let serviceRate = 1000.0
        let gap = serviceRate - load * serviceRate
        var tails = 0.0
        var middles = 0.0

        // One run's p99 scatters by half a percent; four runs together by a quarter.
        for seed in UInt64(1)...4 {
            let facts = try simulateServer(rate: load * serviceRate, count: 700_000, scheduleSeed: seed) {
                $0.exponential(rate: serviceRate)
            }
            let sorted = SortedSamples(facts.latencies)
            tails += try #require(sorted.percentile(0.99)) / 4e9
            middles += try #require(sorted.median) / 4e9
        }

        #expect(abs(tails - log(100) / gap) < 0.01 * log(100) / gap, "\(tails) s")
        #expect(abs(middles - log(2) / gap) < 0.01 * log(2) / gap, "\(middles) s")
    }

    @Test func `an offline query takes as long as all its samples one after the other`() throws {
        let clock = VirtualClock()
        let system = SimulatedSystem(clock: clock) { _ in 0.001 }

        let facts = try LoadGenerator(
            system: system, library: ResidentLibrary(name: "numbers", count: 10),
            settings: LoadSettings(
                scenario: .offline(sampleCount: 4000), minimumDuration: .zero, minimumQueries: 1,
                seeds: testSeeds),
            clock: clock
        ).run()

        #expect(facts.completedRate == 1000)
        #expect(facts.countedDuration == .seconds(4))
        #expect(system.flushes == 1)
    }

    @Test func `the same seeds give the same facts`() throws {
        let first = try simulateServer(rate: 400, count: 2000) { $0.exponential(rate: 500) }
        let second = try simulateServer(rate: 400, count: 2000) { $0.exponential(rate: 500) }

        #expect(first.samples == second.samples)
    }
}

@Suite("Virtual clock")
struct VirtualClockTests {
    @Test func `events happen in the order of their moments, then of their scheduling`() {
        let clock = VirtualClock()
        let log = Log()
        for (moment, name) in [(30, "c"), (10, "a"), (10, "b"), (50, "late")] {
            clock.schedule(at: TimePoint(nanoseconds: Int64(moment))) {
                log.append("\(name)@\(clock.now().nanoseconds)")
            }
        }

        clock.wait(until: TimePoint(nanoseconds: 40))

        #expect(log.entries == ["a@10", "b@10", "c@30"])
        #expect(clock.now() == TimePoint(nanoseconds: 40))
    }
}
