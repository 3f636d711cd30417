internal import CLinux
package import Essentials

#if canImport(Glibc)
internal import Glibc
#endif

/// Ranks on one machine that exchange data through a shared region.
///
/// How a sum goes: the values are cut into chunks. Of each chunk every rank sums one part for all: each rank puts
/// the other parts into its slot, all meet, each rank sums its part over all slots in the order of the ranks and
/// leaves the sum in its own slot, all meet again and collect the parts. A small chunk is put whole and summed by
/// everyone, which needs one meeting. Both ways add in the same order, so their results have the same bits. Two
/// slots for each rank, used in turn, spare a third meeting: a slot is written again only after a meeting that
/// everyone came to after reading it.
@safe package final class SharedCommunicator: Communicator {
    package let rank: Int
    package let worldSize: Int

    /// How long a rank waits for the others.
    package let timeout: Duration

    private let region: SharedRegion
    private let chunk: Int
    private var steps: UInt32 = 0
    private var patience = shared_patience()

    /// Up to this many bytes, summing everything everywhere costs less than a second meeting.
    private static let directLimit = 16 << 10

    /// What a region takes; a chunk of this size keeps a rank's slots in the second-level cache.
    package static let usualChunk = ByteCount.kibibytes(256)

    /// Creates the region of a group.
    ///
    /// Its owner starts the ranks and unlinks it in the end.
    package static func createRegion(
        path: String, worldSize: Int, chunk: ByteCount = usualChunk
    ) throws(CollectiveError) -> SharedRegion {
        precondition(
            worldSize >= 1 && worldSize <= SHARED_RANK_LIMIT,
            "a group has 1 to \(SHARED_RANK_LIMIT) ranks")
        precondition(chunk.bytes > 0 && chunk.bytes % 64 == 0, "a chunk is a positive multiple of 64 bytes")
        let ranks = UInt32(worldSize)
        let region = try SharedRegion.create(
            path: path, size: ByteCount(bytes: shared_group_size(ranks, chunk.bytes)))
        unsafe shared_group_lay_out(region.base, ranks, chunk.bytes)
        return region
    }

    /// Joins a group.
    ///
    /// The last rank to join removes the region's file, so that nothing is left even after a crash.
    package init(
        region: SharedRegion, rank: Int, timeout: Duration = .seconds(60)
    ) throws(CollectiveError) {
        var ranks: UInt32 = 0
        var chunk = 0
        guard unsafe shared_group_inspect(region.base, region.size.bytes, &ranks, &chunk) == 0 else {
            throw .notOurs(path: region.path)
        }
        precondition(rank >= 0 && rank < Int(ranks), "rank \(rank) is not one of \(ranks)")
        let attached = unsafe shared_group_attach(region.base, UInt32(rank))
        guard attached > 0 else {
            throw .rankTaken(rank, process: unsafe shared_group_process(region.base, UInt32(rank)))
        }
        if attached == Int32(ranks) { region.unlink() }
        self.region = region
        self.rank = rank
        worldSize = Int(ranks)
        self.chunk = chunk
        self.timeout = timeout
    }

    package func barrier() throws(CollectiveError) {
        let status = unsafe shared_group_barrier(
            region.base, UInt32(rank), timeout.nanoseconds, &patience)
        guard status != 0 else { return }
        throw failure(status)
    }

    package func allReduceSum(_ values: inout MutableSpan<Float>) throws(CollectiveError) {
        try unsafe values.withUnsafeMutableBufferPointer { buffer throws(CollectiveError) in
            try unsafe sum(buffer, with: shared_group_sum_f32)
        }
    }

    package func allReduceSum(_ values: inout MutableSpan<Double>) throws(CollectiveError) {
        try unsafe values.withUnsafeMutableBufferPointer { buffer throws(CollectiveError) in
            try unsafe sum(buffer, with: shared_group_sum_f64)
        }
    }

    package func broadcast(_ bytes: inout MutableRawSpan, from root: Int) throws(CollectiveError) {
        precondition(root >= 0 && root < worldSize, "rank \(root) is not one of \(worldSize)")
        try unsafe bytes.withUnsafeMutableBytes { buffer throws(CollectiveError) in
            guard let base = buffer.baseAddress, worldSize > 1 else { return }
            for start in stride(from: 0, to: buffer.count, by: chunk) {
                let count = min(chunk, buffer.count - start)
                let slot = unsafe slot(of: root, nextSlot())
                if rank == root { unsafe slot.copyMemory(from: base + start, byteCount: count) }
                try barrier()
                if rank != root { unsafe (base + start).copyMemory(from: slot, byteCount: count) }
            }
        }
    }

    // MARK: Sums

    /// The C function that adds a range of every rank's slot.
    private typealias Adder<Element> = (
        UnsafeMutableRawPointer?, UInt32, Int, Int, UInt32, UnsafePointer<Element>?,
        UnsafeMutablePointer<Element>?
    ) -> Void

    private func sum<Element: BitwiseCopyable>(
        _ values: UnsafeMutableBufferPointer<Element>, with add: Adder<Element>
    ) throws(CollectiveError) {
        guard let base = values.baseAddress, worldSize > 1 else { return }
        let capacity = chunk / MemoryLayout<Element>.stride
        for start in stride(from: 0, to: values.count, by: capacity) {
            let part = unsafe UnsafeMutableBufferPointer(
                start: base + start, count: min(capacity, values.count - start))
            if part.count * MemoryLayout<Element>.stride <= Self.directLimit {
                try unsafe sumDirectly(part, with: add)
            } else {
                try unsafe sumByParts(part, with: add)
            }
        }
    }

    private func sumDirectly<Element: BitwiseCopyable>(
        _ values: UnsafeMutableBufferPointer<Element>, with add: Adder<Element>
    ) throws(CollectiveError) {
        let which = nextSlot()
        unsafe put(values, 0..<values.count, into: slot(of: rank, which))
        try barrier()
        unsafe add(region.base, which, 0, values.count, UInt32(rank), nil, values.baseAddress)
    }

    private func sumByParts<Element: BitwiseCopyable>(
        _ values: UnsafeMutableBufferPointer<Element>, with add: Adder<Element>
    ) throws(CollectiveError) {
        guard let base = values.baseAddress else { return }
        let which = nextSlot()
        let own = part(rank, of: values.count)
        unsafe put(values, 0..<own.lowerBound, into: slot(of: rank, which))
        unsafe put(values, own.upperBound..<values.count, into: slot(of: rank, which))
        try barrier()
        unsafe add(
            region.base, which, own.lowerBound, own.count, UInt32(rank), base + own.lowerBound,
            base + own.lowerBound)
        unsafe put(values, own, into: slot(of: rank, which))
        try barrier()
        for other in 0..<worldSize where other != rank {
            let range = part(other, of: values.count)
            let bytes = range.count * MemoryLayout<Element>.stride
            let offset = range.lowerBound * MemoryLayout<Element>.stride
            unsafe UnsafeMutableRawPointer(base + range.lowerBound).copyMemory(
                from: slot(of: other, which) + offset, byteCount: bytes)
        }
    }

    /// Copies a range of the values to its place in a slot.
    private func put<Element: BitwiseCopyable>(
        _ values: UnsafeMutableBufferPointer<Element>, _ range: Range<Int>, into slot: UnsafeMutableRawPointer
    ) {
        guard let base = values.baseAddress else { return }
        let stride = MemoryLayout<Element>.stride
        unsafe (slot + range.lowerBound * stride).copyMemory(
            from: base + range.lowerBound, byteCount: range.count * stride)
    }

    /// The elements that a rank sums for all; whole cache lines, so that no two ranks write to one.
    private func part(_ rank: Int, of count: Int) -> Range<Int> {
        let line = 16
        let share = (count + worldSize - 1) / worldSize
        let length = (share + line - 1) / line * line
        return min(rank * length, count)..<min((rank + 1) * length, count)
    }

    // MARK: Shared memory

    private func nextSlot() -> UInt32 {
        steps &+= 1
        return steps & 1
    }

    private func slot(of rank: Int, _ which: UInt32) -> UnsafeMutableRawPointer {
        unsafe shared_group_slot(region.base, UInt32(rank), which)
    }

    /// What a failed barrier means; the ranks that are missing are named.
    private func failure(_ status: Int32) -> CollectiveError {
        let missing = (0..<worldSize).filter {
            unsafe shared_group_is_missing(region.base, UInt32(rank), UInt32($0)) != 0
        }
        switch -status {
        case ETIMEDOUT: return .missing(ranks: missing, after: timeout)
        case ESRCH: return .ended(ranks: missing)
        default: return .abandoned(by: Int(unsafe shared_group_first_to_give_up(region.base)))
        }
    }
}
