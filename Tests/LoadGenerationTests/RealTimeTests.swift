import Essentials
import Foundation
import LoadGeneration
import Results
import Synchronization
import Testing

/// Runs on the machine's own clock and threads; nothing here depends on how fast they are.
@Suite("Real threads")
struct RealTimeTests {
    /// Answers each sample from one of several threads of its own.
    private final class ThreadedSystem: SystemUnderTest {
        let name = "threaded"
        private let queue = DispatchQueue(label: "answers", attributes: .concurrent)

        func issue(_ query: Span<QuerySample>, completions: Completions) {
            for index in query.indices {
                let sample = query[index]
                queue.async { completions.complete(Response(id: sample.id, result: sample.index)) }
            }
        }
    }

    private func run(
        _ system: any SystemUnderTest, _ scenario: Scenario, count: Int, stop: StopFlag = StopFlag(),
        patience: Duration = .seconds(60)
    ) throws -> LoadFacts {
        try LoadGenerator(
            system: system, library: ResidentLibrary(name: "numbers", count: 50),
            settings: LoadSettings(
                scenario: scenario, minimumDuration: .zero, minimumQueries: count, patience: patience,
                seeds: RunSeeds(data: 1, order: 2, schedule: 3, challenge: 4))
        ).run(stop: stop)
    }

    @Test(
        .timeLimit(.minutes(10)),
        arguments: [
            Scenario.singleStream, .server(queriesPerSecond: 5000), .offline(sampleCount: 20_000),
        ])
    func `answers from many threads are all counted, each once`(scenario: Scenario) throws {
        let facts = try run(ThreadedSystem(), scenario, count: 2000)

        #expect(facts.samples.count == (scenario.name == "offline" ? 20_000 : 2000))
        #expect(facts.missingAnswers == 0)
        #expect(facts.repeatedAnswers == 0)
        #expect(facts.unknownAnswers == 0)
        #expect(facts.samples.allSatisfy { $0.result == $0.sample })
        #expect(facts.samples.allSatisfy { $0.issueSlip >= 0 })
        #expect(facts.latencies.allSatisfy { $0 >= 0 })
    }

    @Test(.timeLimit(.minutes(10))) func `a system that answers within the call is fine`() throws {
        for scenario in [
            Scenario.singleStream, .server(queriesPerSecond: 100_000), .offline(sampleCount: 5000),
        ] {
            let facts = try run(NullSystem(), scenario, count: 500)
            #expect(facts.missingAnswers == 0)
        }
    }

    @Test(.timeLimit(.minutes(10))) func `a stop is heard while waiting for an answer that never comes`()
        throws
    {
        struct Silent: SystemUnderTest {
            let name = "silent"
            let stop: StopFlag
            func issue(_ query: Span<QuerySample>, completions: Completions) { stop.set() }
        }
        let stop = StopFlag()

        let facts = try run(Silent(stop: stop), .singleStream, count: 10, stop: stop)

        #expect(facts.wasInterrupted)
        #expect(facts.samples.count == 1)
        #expect(facts.missingAnswers == 1)
    }

    @Test(.timeLimit(.minutes(10))) func `an answer after the run's end does no harm`() throws {
        final class Late: SystemUnderTest {
            let name = "late"
            let kept = Mutex<Completions?>(nil)
            func issue(_ query: Span<QuerySample>, completions: Completions) {
                kept.withLock { $0 = completions }
            }
        }
        let system = Late()
        let facts = try run(system, .singleStream, count: 1, patience: .zero)
        #expect(facts.missingAnswers == 1)

        let completions = try #require(system.kept.withLock { $0 })
        completions.complete(Response(id: 0))
        completions.complete(Response(id: 0))
        completions.complete(Response(id: -1))
    }

    @Test func `a library that cannot load ends the run with its error`() {
        struct Broken: SampleLibrary {
            let name = "broken"
            let count = 5
            let loadableCount = 5
            func load(_ indices: [Int32]) throws { throw Failure("the images are gone") }
            func unload(_ indices: [Int32]) {}
        }
        #expect(throws: Failure.self) {
            try LoadGenerator(
                system: NullSystem(), library: Broken(),
                settings: LoadSettings(
                    scenario: .singleStream, minimumDuration: .zero, minimumQueries: 1,
                    seeds: RunSeeds(data: 1, order: 2, schedule: 3, challenge: 4))
            ).run()
        }
    }
}
