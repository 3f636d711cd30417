internal import Essentials

/// Says which samples each step of a training run sees: shuffled anew for every pass over the data.
///
/// A batch is a pure function of seed and step, so that a resumed run sees what the first would have seen, and
/// ranks that share a seed agree without talking. Each batch is cut into equal shards, one per rank; what is left
/// of a pass and does not fill a batch is skipped.
package struct DataLoader: Sendable {
    package let count: Int
    /// Samples per step over all ranks.
    package let batchSize: Int
    package let seed: UInt64
    package let rank: Int
    package let rankCount: Int
    private var order: [Int] = []
    private var orderedEpoch = -1

    package init(
        count: Int, batchSize: Int, seed: UInt64, rank: Int = 0, rankCount: Int = 1
    ) throws(TrainingError) {
        guard batchSize >= 1, batchSize <= count else {
            throw .invalidPlan("A batch of \(batchSize) cannot be taken from \(count) samples.")
        }
        guard rankCount >= 1, (0..<rankCount).contains(rank), batchSize % rankCount == 0 else {
            throw .invalidPlan("A batch of \(batchSize) has no equal shard for rank \(rank) of \(rankCount).")
        }
        self.count = count
        self.batchSize = batchSize
        self.seed = seed
        self.rank = rank
        self.rankCount = rankCount
    }

    package var shardSize: Int { batchSize / rankCount }
    package var batchesPerEpoch: Int { count / batchSize }

    /// The pass over the data that a step belongs to.
    package func epoch(ofStep step: Int) -> Int { step / batchesPerEpoch }

    /// The places of the samples that this rank takes at a step; steps count from 0.
    package mutating func shard(atStep step: Int) -> ArraySlice<Int> {
        let epoch = epoch(ofStep: step)
        if epoch != orderedEpoch {
            var random = SeededGenerator(seed: seed, purpose: "epoch \(epoch)")
            order = (0..<count).shuffled(using: &random)
            orderedEpoch = epoch
        }
        let start = step % batchesPerEpoch * batchSize + rank * shardSize
        return order[start..<start + shardSize]
    }
}
