import Essentials
import Execution
import TestSupport
import Testing

@Suite("Memory plan")
struct MemoryPlanTests {
    @Test func `a block takes the place of one that has died`() {
        let blocks = [
            MemoryPlan.Block(byteCount: 1000, firstStep: 0, lastStep: 1),
            MemoryPlan.Block(byteCount: 500, firstStep: 1, lastStep: 2),
            MemoryPlan.Block(byteCount: 900, firstStep: 2, lastStep: 3),
        ]

        let plan = MemoryPlan(blocks)

        #expect(plan.offsets == [0, 1024, 0])
        #expect(plan.byteCount == 1024 + 512)
    }

    @Test(arguments: propertySeeds)
    func `living blocks never overlap, and the arena lies between the bounds`(seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        let blocks = (0..<random.below(80)).map { _ in
            let first = random.below(60)
            return MemoryPlan.Block(
                byteCount: random.below(5) == 0 ? 0 : random.below(10_000), firstStep: first,
                lastStep: first + random.below(12))
        }

        let plan = MemoryPlan(blocks)

        for left in blocks.indices {
            #expect(plan.offsets[left] % MemoryPlan.alignment == 0)
            #expect(plan.offsets[left] + blocks[left].byteCount <= plan.byteCount)
            for right in blocks.indices
            where left < right && blocks[left].isAlive(with: blocks[right]) && blocks[left].byteCount > 0
                && blocks[right].byteCount > 0
            {
                let apart =
                    plan.offsets[left] + blocks[left].byteCount <= plan.offsets[right]
                    || plan.offsets[right] + blocks[right].byteCount <= plan.offsets[left]
                #expect(apart, "blocks \(left) and \(right)")
            }
        }
        #expect(plan.byteCount >= MemoryPlan.lowerBound(of: blocks))
        #expect(plan.byteCount <= blocks.reduce(0) { $0 + MemoryPlan.space(of: $1) })
    }
}
