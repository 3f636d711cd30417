import Essentials
import TestSupport
import Testing
import Training

@Suite("Data loader")
struct DataLoaderTests {
    @Test(arguments: propertySeeds) func `every pass sees each sample at most once, and passes differ`(
        seed: UInt64
    ) throws {
        var random = SeededGenerator(seed: seed)
        let count = 20 + random.below(50)
        var loader = try DataLoader(count: count, batchSize: 1 + random.below(20), seed: seed)

        let passes = (0..<2).map { pass in
            (0..<loader.batchesPerEpoch).flatMap { loader.shard(atStep: pass * loader.batchesPerEpoch + $0) }
        }

        for pass in passes {
            #expect(Set(pass).count == pass.count)
            #expect(pass.count == count / loader.batchSize * loader.batchSize)
            #expect(pass.allSatisfy { (0..<count).contains($0) })
        }
        #expect(passes[0] != passes[1])
    }

    @Test(arguments: propertySeeds.prefix(20)) func `the shards of all ranks make up the batch of one`(
        seed: UInt64
    ) throws {
        var alone = try DataLoader(count: 50, batchSize: 12, seed: seed)
        for step in [0, 3, 4, 11, 5] {
            let shards = try (0..<3).map { rank in
                var loader = try DataLoader(count: 50, batchSize: 12, seed: seed, rank: rank, rankCount: 3)
                return loader.shard(atStep: step)
            }
            #expect(shards.flatMap(\.self) == Array(alone.shard(atStep: step)))
        }
    }

    @Test(arguments: [(0, 1), (11, 1), (4, 3)]) func `a batch that cannot be taken is refused`(
        batchSize: Int, rankCount: Int
    ) {
        #expect(throws: TrainingError.self) {
            try DataLoader(count: 10, batchSize: batchSize, seed: 1, rankCount: rankCount)
        }
    }
}

@Suite("Learning-rate schedules")
struct LearningRateScheduleTests {
    @Test func `a cosine rises in its warm-up, peaks, and ends at its last rate`() {
        let schedule = LearningRateSchedule.cosine(peak: 1, warmUpSteps: 4, steps: 12, last: 0.2)

        #expect((0..<4).map { schedule.rate(atStep: $0) } == [0.25, 0.5, 0.75, 1])
        #expect(schedule.rate(atStep: 4) == 1)
        #expect(abs(schedule.rate(atStep: 8) - 0.6) < 1e-15)
        #expect(abs(schedule.rate(atStep: 12) - 0.2) < 1e-15)
        #expect(schedule.rate(atStep: 100) == schedule.rate(atStep: 12))
        #expect(LearningRateSchedule.constant(0.5).rate(atStep: 7) == 0.5)
    }
}
