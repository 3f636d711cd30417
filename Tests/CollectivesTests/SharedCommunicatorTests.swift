import Collectives
import Essentials
import Synchronization
import TestSupport
import Testing

#if canImport(Glibc)
import Glibc
#endif

@Suite("Ranks in shared memory", .timeLimit(.minutes(10)))
struct SharedCommunicatorTests {
    private func group(_ ranks: Int, chunk: ByteCount = .kibibytes(64)) throws -> TemporaryRegion {
        try TemporaryRegion {
            try SharedCommunicator.createRegion(path: $0, worldSize: ranks, chunk: chunk)
        }
    }

    @Test func `two ranks get the sum of both`() throws {
        let group = try group(2)

        let sums = try onThreads(2) { rank in
            let communicator = try SharedCommunicator(region: group.region, rank: rank)
            var values: [Float] = rank == 0 ? [1, 2, 3] : [10, 20, 30]
            var span = values.mutableSpan
            try communicator.allReduceSum(&span)
            return values
        }

        #expect(sums == [[11, 22, 33], [11, 22, 33]])
    }

    @Test(arguments: propertySeeds.prefix(40)) func `a sum has the bits of adding in the ranks' order`(
        seed: UInt64
    )
        throws
    {
        var random = SeededGenerator(seed: seed, purpose: "sums")
        let ranks = 1 + random.below(5)
        let count = random.pick([0, 1, 15, 16, 17, 1000, 4096, 4097, 40_000])
        // From smaller than a cache line's worth of parts to larger than the data.
        let group = try group(ranks, chunk: .bytes(64 << random.below(14)))
        let floats = (0..<ranks).map { _ in (0..<count).map { _ in Float(random.normal() * 1e3) } }
        let doubles = floats.map { $0.map { Double($0) / 3 } }

        let sums = try onThreads(ranks) { rank in
            let communicator = try SharedCommunicator(region: group.region, rank: rank)
            var float = floats[rank]
            var double = doubles[rank]
            var floatSpan = float.mutableSpan
            try communicator.allReduceSum(&floatSpan)
            var doubleSpan = double.mutableSpan
            try communicator.allReduceSum(&doubleSpan)
            return (float.map(\.bitPattern), double.map(\.bitPattern))
        }

        let float = (0..<count).map { i in floats.dropFirst().reduce(floats[0][i]) { $0 + $1[i] }.bitPattern }
        let double = (0..<count).map { i in
            doubles.dropFirst().reduce(doubles[0][i]) { $0 + $1[i] }.bitPattern
        }
        for sum in sums { #expect(sum == (float, double)) }
    }

    @Test func `not a number stays not a number for everyone`() throws {
        let group = try group(3)

        let sums = try onThreads(3) { rank in
            let communicator = try SharedCommunicator(region: group.region, rank: rank)
            var values = [Float](repeating: 1, count: 20_000)
            if rank == 1 { values[12_345] = .nan }
            var span = values.mutableSpan
            try communicator.allReduceSum(&span)
            return values.indices.filter { values[$0].isNaN }
        }

        #expect(sums == [[12_345], [12_345], [12_345]])
    }

    @Test(arguments: [0, 1, 2]) func `everyone gets the bytes of the rank that sends`(root: Int) throws {
        let group = try group(3, chunk: .bytes(1024))
        let message = (0..<10_000).map { UInt8(truncatingIfNeeded: $0 * 7 + root) }

        let received = try onThreads(3) { rank in
            let communicator = try SharedCommunicator(region: group.region, rank: rank)
            var bytes = rank == root ? message : [UInt8](repeating: 0, count: message.count)
            var span = bytes.mutableSpan
            try communicator.broadcast(&span, from: root)
            return bytes
        }

        #expect(received.allSatisfy { $0 == message })
    }

    @Test func `nobody leaves a barrier before everyone has come`() throws {
        let ranks = 4
        let rounds = 500
        let group = try group(ranks)
        let arrivals = Arrivals()

        let tooEarly = try onThreads(ranks) { rank in
            let communicator = try SharedCommunicator(region: group.region, rank: rank)
            var tooEarly = 0
            for round in 1...rounds {
                arrivals.count.add(1, ordering: .relaxed)
                try communicator.barrier()
                if arrivals.count.load(ordering: .relaxed) < round * ranks { tooEarly += 1 }
                try communicator.barrier()
            }
            return tooEarly
        }

        #expect(tooEarly == [0, 0, 0, 0])
    }

    @Test func `a missing rank is named after the timeout, and the others hear who gave up`() throws {
        let group = try group(3)
        let communicator = try SharedCommunicator(region: group.region, rank: 1, timeout: .milliseconds(30))

        #expect(throws: CollectiveError.missing(ranks: [0, 2], after: .milliseconds(30))) {
            try communicator.barrier()
        }
        let late = try SharedCommunicator(region: group.region, rank: 2)
        #expect(throws: CollectiveError.abandoned(by: 1)) { try late.barrier() }
    }

    @Test func `a rank can be taken once`() throws {
        let group = try group(2)
        let first = try SharedCommunicator(region: group.region, rank: 0)

        #expect(throws: CollectiveError.rankTaken(0, process: getpid())) {
            try SharedCommunicator(region: group.region, rank: 0)
        }
        #expect(first.worldSize == 2)
    }

    @Test func `the file is gone once everyone has joined, and the memory is not`() throws {
        let group = try group(2)
        #expect(isThere(group.region.path))

        let sums = try onThreads(2) { rank in
            let communicator = try SharedCommunicator(region: .open(path: group.region.path), rank: rank)
            try communicator.barrier()
            var values = [Double(rank + 1)]
            var span = values.mutableSpan
            try communicator.allReduceSum(&span)
            return values
        }

        #expect(!isThere(group.region.path))
        #expect(sums == [[3], [3]])
    }

    @Test func `a region is private, new, and of our making`() throws {
        let path = SharedRegion.freshPath(purpose: "test")
        let region = try SharedRegion.create(path: path, size: .kibibytes(4))
        defer { region.unlink() }
        var status = stat()
        #expect(unsafe stat(path, &status) == 0)
        #expect(status.st_mode & 0o777 == 0o600)

        #expect(throws: CollectiveError.region(path: path, code: EEXIST)) {
            try SharedRegion.create(path: path, size: .kibibytes(4))
        }
        #expect(throws: CollectiveError.notOurs(path: path)) {
            try SharedCommunicator(region: region, rank: 0)
        }
        #expect(throws: CollectiveError.notOurs(path: path)) { try RequestQueue(region: region) }
        #expect(throws: CollectiveError.region(path: path + "x", code: ENOENT)) {
            try SharedRegion.open(path: path + "x")
        }
    }

    @Test func `a region that was cut short is refused`() throws {
        let group = try group(4)
        #expect(unsafe truncate(group.region.path, 40_000) == 0)
        let cut = try SharedRegion.open(path: group.region.path)

        #expect(throws: CollectiveError.notOurs(path: cut.path)) {
            try SharedCommunicator(region: cut, rank: 0)
        }
    }

    @Test func `a rank alone needs no region`() throws {
        let communicator: any Communicator = SoloCommunicator()
        var values: [Float] = [1, 2]
        var span = values.mutableSpan

        try communicator.allReduceSum(&span)
        try communicator.barrier()

        #expect(values == [1, 2])
        #expect(communicator.worldSize == 1)
    }
}

private final class Arrivals: Sendable {
    let count = Atomic<Int>(0)
}

@Suite("Rank table")
struct RankTableTests {
    @Test func `reads what it wrote, and refuses the rest`() throws {
        let path = SharedRegion.freshPath(purpose: "table")
        defer { unsafe unlink(path) }
        let table = RankTable(
            job: JobID(3),
            ranks: [.init(rank: 0, cpus: CPUSet([0, 1]), numaNode: 0), .init(rank: 1, cpus: CPUSet([2]))],
            communicator: "/dev/shm/x")

        try table.write(to: path)
        #expect(try RankTable.read(from: path) == table)

        var other = table
        other.version = 9
        try other.write(to: path)
        #expect(throws: CollectiveError.self) { try RankTable.read(from: path) }
        other = table
        other.ranks[1].rank = 5
        try other.write(to: path)
        #expect(
            throws: CollectiveError.rankTable(path: path, reason: "its ranks are not 0, 1, 2, and so on.")
        ) { try RankTable.read(from: path) }
        #expect(throws: CollectiveError.self) { try RankTable.read(from: path + "x") }
    }
}
