import Essentials
import Foundation
import Scheduling
import Testing

@Suite("Worlds in virtual time")
struct WorldTests {
    /// Seeds in chunks, because each test has a cost of its own; `HENG_WORLD_SEEDS` runs more.
    static let chunk = 100
    static let chunks: [Int] = {
        let asked = ProcessInfo.processInfo.environment["HENG_WORLD_SEEDS"].flatMap { Int($0) }
        return Array(0..<max(1, (asked ?? 10_000) / chunk))
    }()

    @Test(arguments: chunks)
    func `through crashes, cut links and dying machines everything that must hold holds`(
        chunk: Int
    ) {
        for seed in UInt64(chunk * Self.chunk)..<UInt64((chunk + 1) * Self.chunk) {
            var world = World(seed: seed)
            guard !world.run() else { continue }
            let last = world.log.last.map { "\($0.event)" } ?? ""
            Issue.record("seed \(seed), at \(world.now.seconds) s, after '\(last)': \(world.violations)")
        }
    }

    @Test func `the worlds do crash, preempt, suspend, retry, move and refuse`() {
        var counts: [String: Int] = [:]
        for seed in UInt64(0)..<300 {
            var world = World(seed: seed)
            _ = world.run(checkingEvery: .max)
            counts["crash", default: 0] += world.crashes
            for (_, event) in world.log {
                switch event {
                case .suspended: counts["suspend", default: 0] += 1
                case .machineLost: counts["lost", default: 0] += 1
                case .healthChanged(_, let level, _) where level.movesJobs: counts["fault", default: 0] += 1
                case .deviceMade: counts["device", default: 0] += 1
                default: break
                }
            }
            for job in world.state.jobs.all {
                if job.attempt > 1 { counts["again", default: 0] += 1 }
                if case .ended(.preempted) = job.phase { counts["preempted", default: 0] += 1 }
                if case .ended(.deadline) = job.phase { counts["deadline", default: 0] += 1 }
                if case .ended(.impossible) = job.phase { counts["impossible", default: 0] += 1 }
            }
        }

        for (what, least) in [
            "crash": 100, "suspend": 50, "lost": 20, "fault": 20, "device": 50, "again": 200, "preempted": 5,
            "deadline": 50, "impossible": 20,
        ] {
            #expect(counts[what] ?? 0 >= least, "\(what): \(counts[what] ?? 0)")
        }
    }

    @Test(arguments: 0..<20) func `the same seed gives the same world`(seed: UInt64) {
        var first = World(seed: seed)
        var second = World(seed: seed)

        _ = first.run()
        _ = second.run()

        #expect(first.log.map(\.event) == second.log.map(\.event))
        #expect(first.state == second.state)
    }
}
