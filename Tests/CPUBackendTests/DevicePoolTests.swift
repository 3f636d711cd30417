import AcceleratorAPI
import CPUBackend
import Essentials
import Foundation
import Synchronization
import TestSupport
import Testing

@Suite("Worker pool", .timeLimit(.minutes(10)))
struct DevicePoolTests {
    @Test(arguments: propertySeeds) func `every index is visited exactly once`(seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        for _ in 0..<50 {
            let visits = Visits(random.below(5_000))

            WorkerPool.shared.parallelFor(count: visits.count, grain: random.below(300)) { visits.visit($0) }

            #expect(visits.areAllOne)
        }
    }

    @Test(arguments: propertySeeds.prefix(20))
    func `several threads and streams loop at once, and loops nest`(seed: UInt64) throws {
        let wrong = Mutex(0)
        let context = try DeviceForm.plain.open().makeContext()
        let stream = try context.makeStream()

        let loop: @Sendable (UInt64) -> Void = { seed in
            var random = SeededGenerator(seed: seed)
            for _ in 0..<50 {
                let outer = Visits(1 + random.below(40))
                let inner = Visits(outer.count * 16)
                WorkerPool.shared.parallelFor(count: outer.count, grain: 1) { range in
                    outer.visit(range)
                    for index in range {
                        WorkerPool.shared.parallelFor(count: 16, grain: 3) {
                            inner.visit(index * 16 + $0.lowerBound..<index * 16 + $0.upperBound)
                        }
                    }
                }
                if !outer.areAllOne || !inner.areAllOne { wrong.withLock { $0 += 1 } }
            }
        }
        try stream.run { loop(seed) }
        onThreads(3) { loop(seed &+ 1_000 &* UInt64($0 + 1)) }
        try stream.synchronize()

        #expect(wrong.withLock { $0 } == 0)
    }

    @Test func `the plain form hands its context through`() {
        let sum = UnsafeMutablePointer<Atomic<Int>>.allocate(capacity: 1)
        unsafe sum.initialize(to: Atomic(0))
        defer { unsafe sum.deallocate() }

        unsafe WorkerPool.shared.parallelFor(count: 1_000, grain: 7, context: sum) { context, start, end in
            guard let sum = unsafe context?.assumingMemoryBound(to: Atomic<Int>.self) else { return }
            unsafe sum.pointee.wrappingAdd((start..<end).reduce(0, +), ordering: .relaxed)
        }

        #expect(unsafe sum.pointee.load(ordering: .relaxed) == 499_500)
    }

    @Test func `loops of a stream stay on its CPUs, as the kernel says`() throws {
        let context = try DeviceForm.plain.open().makeContext()
        let one = CPUSet([try #require(context.device.description.cpus?.units.first)])
        let stream = try context.makeStream(cpus: one)
        let seen = Mutex<Set<CPUSet>>([])

        try stream.run {
            WorkerPool.shared.parallelFor(count: 200, grain: 1) { _ in
                seen.withLock { _ = $0.insert(allowedCPUsOfThisThread()) }
            }
        }
        try stream.synchronize()

        #expect(seen.withLock { $0 } == [one])
    }

    @Test func `the pool is as wide as affinity, quota and HENG_THREADS together allow`() {
        let cpus = CPUSet(0..<8)

        #expect(ProcessorBudget(cpus: cpus).threads == 8)
        #expect(ProcessorBudget(cpus: cpus, quota: 2.5).threads == 3)
        #expect(ProcessorBudget(cpus: cpus, quota: 0.1).threads == 1)
        #expect(ProcessorBudget(cpus: cpus, quota: 12, requested: 5).threads == 5)
        #expect(ProcessorBudget(cpus: cpus, requested: 0).threads == 1)
        #expect(WorkerPool.shared.width <= ProcessorBudget.current.threads)
    }

    @Test func `the tightest quota on the way up counts, in version 2`() throws {
        let tree = try CgroupTree(membership: "0::/jobs/7\n")
        try tree.write("jobs/cpu.max", "150000 100000\n")
        try tree.write("jobs/7/cpu.max", "max 100000\n")
        try tree.write("jobs/7/memory.max", "1073741824\n")

        let limits = CgroupLimits(root: tree.root, membership: tree.membership)

        #expect(limits.processors == 1.5)
        #expect(limits.memory == .gibibytes(1))
    }

    @Test func `the tightest quota on the way up counts, in version 1`() throws {
        let tree = try CgroupTree(membership: "4:memory:/box\n3:cpu,cpuacct:/box\n1:name=systemd:/\n")
        try tree.write("cpu,cpuacct/box/cpu.cfs_quota_us", "50000\n")
        try tree.write("cpu,cpuacct/box/cpu.cfs_period_us", "100000\n")
        try tree.write("cpu,cpuacct/cpu.cfs_quota_us", "-1\n")
        try tree.write("cpu,cpuacct/cpu.cfs_period_us", "100000\n")
        try tree.write("memory/memory.limit_in_bytes", "9223372036854771712\n")

        let limits = CgroupLimits(root: tree.root, membership: tree.membership)

        #expect(limits.processors == 0.5)
        #expect(limits.memory == nil)
    }

    @Test func `without cgroups there is no limit`() {
        let limits = CgroupLimits(root: "/nowhere", membership: "/nowhere/cgroup")

        #expect(limits.processors == nil)
        #expect(limits.memory == nil)
    }
}

/// Plain counters, one per index: threads that visit one twice, or race, leave something else than ones.
@safe private final class Visits: @unchecked Sendable {
    private let bytes: UnsafeMutablePointer<UInt8>
    let count: Int

    init(_ count: Int) {
        self.count = count
        unsafe bytes = UnsafeMutablePointer<UInt8>.allocate(capacity: max(1, count))
        unsafe bytes.initialize(repeating: 0, count: count)
    }
    deinit { unsafe bytes.deallocate() }

    func visit(_ range: Range<Int>) { for index in range { unsafe bytes[index] += 1 } }

    var areAllOne: Bool { (0..<count).allSatisfy { unsafe bytes[$0] == 1 } }
}

/// A folder that looks like mounted cgroups.
private final class CgroupTree {
    let root: String
    let membership: String

    init(membership text: String) throws {
        root = FileManager.default.temporaryDirectory.appending(path: "heng-\(UUID().uuidString)").path
        membership = "\(root)/membership"
        try FileManager.default.createDirectory(atPath: root, withIntermediateDirectories: true)
        try text.write(toFile: membership, atomically: true, encoding: .utf8)
    }

    deinit {
        // A leftover in the temporary folder is the system's to clean.
        try? FileManager.default.removeItem(atPath: root)
    }

    func write(_ file: String, _ text: String) throws {
        let folder = "\(root)/\(file)".split(separator: "/").dropLast().joined(separator: "/")
        try FileManager.default.createDirectory(atPath: "/\(folder)", withIntermediateDirectories: true)
        try text.write(toFile: "\(root)/\(file)", atomically: true, encoding: .utf8)
    }
}
