/// Where blocks with known lifetimes lie in one arena, found before anything runs.
///
/// Two blocks may share bytes when no step needs both. Finding the smallest arena is NP-hard; this plan tries two
/// orders (largest first, and oldest first), puts each block at the lowest place where it meets no living
/// neighbour, and keeps the smaller arena. It is never larger than all blocks side by side.
package struct MemoryPlan: Hashable, Sendable {
    /// A need for memory from one step to another, both included.
    package struct Block: Hashable, Sendable {
        package var byteCount: Int
        package var firstStep: Int
        package var lastStep: Int

        package init(byteCount: Int, firstStep: Int, lastStep: Int) {
            precondition(byteCount >= 0 && firstStep <= lastStep, "a block has a size and a lifetime")
            self.byteCount = byteCount
            self.firstStep = firstStep
            self.lastStep = lastStep
        }

        package func isAlive(with other: Block) -> Bool {
            firstStep <= other.lastStep && other.firstStep <= lastStep
        }
    }

    /// Every offset is a multiple of this many bytes.
    ///
    /// Device allocators promise 256, and vector loads rely on 64, so a planned block is as good as an
    /// allocated one.
    package static let alignment = 256

    /// The place of each block, in the order they were given.
    package let offsets: [Int]
    package let byteCount: Int

    package init(_ blocks: [Block]) {
        let bySize = MemoryPlan(
            blocks,
            order: blocks.indices.sorted {
                (blocks[$1].byteCount, blocks[$0].firstStep, $0)
                    < (blocks[$0].byteCount, blocks[$1].firstStep, $1)
            })
        let byAge = MemoryPlan(
            blocks, order: blocks.indices.sorted { (blocks[$0].firstStep, $0) < (blocks[$1].firstStep, $1) })
        self = bySize.byteCount <= byAge.byteCount ? bySize : byAge
    }

    private init(_ blocks: [Block], order: [Int]) {
        var offsets = [Int](repeating: 0, count: blocks.count)
        var placed: [Int] = []
        var end = 0
        for index in order {
            let neighbours =
                placed
                .filter { blocks[$0].isAlive(with: blocks[index]) }
                .map { offsets[$0]..<offsets[$0] + MemoryPlan.space(of: blocks[$0]) }
            let space = MemoryPlan.space(of: blocks[index])
            offsets[index] = MemoryPlan.lowestGap(of: space, between: neighbours)
            end = max(end, offsets[index] + space)
            placed.append(index)
        }
        self.offsets = offsets
        byteCount = end
    }

    private static func lowestGap(of space: Int, between taken: [Range<Int>]) -> Int {
        var offset = 0
        for range in taken.sorted(by: { $0.lowerBound < $1.lowerBound }) {
            if range.lowerBound - offset >= space { break }
            offset = max(offset, range.upperBound)
        }
        return offset
    }

    /// What a block takes with its rounding.
    package static func space(of block: Block) -> Int {
        (block.byteCount + alignment - 1) / alignment * alignment
    }

    /// The most that is alive at one step: no plan can do with less.
    package static func lowerBound(of blocks: [Block]) -> Int {
        blocks.map { block in
            blocks.filter { $0.firstStep <= block.firstStep && block.firstStep <= $0.lastStep }
                .reduce(0) { $0 + space(of: $1) }
        }.max() ?? 0
    }
}
