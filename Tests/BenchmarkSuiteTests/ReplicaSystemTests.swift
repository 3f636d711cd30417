import BenchmarkSuite
import Collectives
import Essentials
import Foundation
import LoadGeneration
import Results
import Testing

/// A queue with threads of this process in the place of replicas.
private struct ThreadedReplicas {
    let region: SharedRegion

    /// Each answers a sample with seven times its number, or with status 3 where `fails` says so.
    init(count: Int, fails: @escaping @Sendable (UInt32) -> Bool = { _ in false }) throws {
        let region = try RequestQueue.createRegion(
            path: SharedRegion.freshPath(purpose: "test"), capacity: 16, replicas: count)
        for replica in 0..<count {
            try startThread {
                // A queue that cannot be opened shows as a test without answers.
                guard let queue = try? RequestQueue(region: region) else { return }
                try? queue.attach(replica: replica)
                while case .item(let request) = queue.nextRequest(replica: replica, timeout: .seconds(60)) {
                    let started = TimePoint.monotonicNow()
                    let samples = request.samples.elements
                    _ = queue.complete(
                        SharedCompletion(
                            id: request.id, replica: replica, started: started, ended: .monotonicNow(),
                            status: samples.contains(where: fails) ? 3 : 0,
                            results: InlineBatch(samples.map { Int32($0) * 7 }), tag: request.tag),
                        timeout: .seconds(60))
                }
            }
        }
        self.region = region
    }
}

@Suite("Replicas behind a request queue")
struct ReplicaSystemTests {
    private func run(
        _ scenario: Scenario, _ replicas: ThreadedReplicas, batch: Int = 8, mode: LoadMode = .performance
    ) throws -> LoadFacts {
        defer { replicas.region.unlink() }
        let system = try ReplicaSystem(
            name: "threads", region: replicas.region, batch: batch, stop: StopFlag())
        defer { system.close() }
        return try LoadGenerator(
            system: system, library: ResidentLibrary(name: "numbers", count: 100),
            settings: LoadSettings(
                scenario: scenario, mode: mode, minimumDuration: .milliseconds(1), minimumQueries: 50,
                seeds: RunSeeds(data: 1, order: 2, schedule: 3, challenge: 4))
        ).run()
    }

    @Test(
        arguments: [Scenario.singleStream, .server(queriesPerSecond: 5000), .offline(sampleCount: 1003)],
        [1, 2, 3])
    func `every sample gets its own answer once`(scenario: Scenario, count: Int) throws {
        let facts = try run(scenario, ThreadedReplicas(count: count))

        #expect(facts.samples.count >= 50)
        #expect(facts.samples.allSatisfy { $0.end != nil && $0.result == $0.sample * 7 && $0.flags == [] })
        #expect(facts.samples.allSatisfy { $0.start != nil })
        #expect((facts.repeatedAnswers, facts.unknownAnswers, facts.errorCount) == (0, 0, 0))
    }

    @Test func `a request that failed makes its samples failed, and says which replica it was`() throws {
        let facts = try run(
            .offline(sampleCount: 64), ThreadedReplicas(count: 1) { $0 == 42 }, batch: 1, mode: .accuracy)

        #expect(facts.samples.count == 100)
        #expect(facts.samples.filter { $0.flags.contains(.failed) }.map(\.sample) == [42])
        #expect(facts.errors == ["replica 0 failed a request"])
    }
}
