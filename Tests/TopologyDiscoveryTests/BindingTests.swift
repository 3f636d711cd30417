import Essentials
import Glibc
import HardwareTopology
import TestSupport
import Testing
import TopologyDiscovery

/// Reads one line of a status file of the kernel's.
private func statusLine(_ name: String, in file: String) throws -> String {
    let line = try contents(of: file).split(separator: "\n").first { $0.hasPrefix(name) } ?? ""
    return String(line.dropFirst(name.count).drop { $0 == ":" || $0.isWhitespace })
}

/// The line of /proc/self/numa_maps for the mapping that starts at an address.
private func numaMapsLine(at address: UnsafeRawPointer) throws -> String {
    try statusLine(String(UInt(bitPattern: address), radix: 16) + " ", in: "/proc/self/numa_maps")
}

@Suite("Binding threads and processes")
struct BindingTests {
    @Test func `a thread bound to each allowed unit in turn is there, says the kernel`() throws {
        let before = try Binding.affinity()
        defer { restore(before) }
        let status = "/proc/self/task/\(Binding.currentThread)/status"

        for unit in before.units {
            try Binding.bindCurrentThread(to: CPUSet([unit]))

            #expect(try Binding.affinity() == CPUSet([unit]))
            #expect(try statusLine("Cpus_allowed_list", in: status) == "\(unit)")
            #expect(Binding.currentCPU == unit)
        }
    }

    @Test func `a bound process is bound in all its threads`() throws {
        let child = try SleepingChild()
        let one = CPUSet([try #require(try Binding.affinity(ofThread: getpid()).first)])

        try Binding.bind(process: child.id, to: one)

        for thread in Binding.threads(of: child.id) {
            let file = "/proc/\(child.id)/task/\(thread)/status"
            #expect(try statusLine("Cpus_allowed_list", in: file) == one.description)
            #expect(try Binding.affinity(ofThread: thread) == one)
        }
    }

    @Test func `units that do not exist are refused with a way on`() {
        let error = #expect(throws: BindingError.self) {
            try Binding.bindCurrentThread(to: CPUSet([1_000_000]))
        }

        #expect(error?.code == EINVAL)
        #expect(error?.summary.contains("CPUs 1000000") == true)
        #expect(error?.nextStep?.contains("heng topology") == true)
    }

    @Test func `a process that has ended is not bound`() {
        #expect(throws: BindingError.self) { try Binding.bind(process: Int32.max - 1, to: CPUSet([0])) }
    }

    private func restore(_ cpus: CPUSet) {
        #expect(throws: Never.self) { try Binding.bindCurrentThread(to: cpus) }
    }
}

@Suite("Memory policies and page placement")
struct MemoryPlacementTests {
    private let node: Int

    init() throws {
        node = try #require(try Topology.discover().numaNodes.first { !$0.cpus.isEmpty }).osIndex
    }

    @Test func `pages lie nowhere until touched, and then where they were bound`() throws {
        let buffer = try NUMABuffer(size: .mebibytes(1), policy: .strict(nodes: [node]))
        let pages = (1 << 20) / PagePlacement.pageSize
        #expect(try buffer.placement().untouched == pages)

        unsafe buffer.bytes.initializeMemory(as: UInt8.self, repeating: 7)

        #expect(try buffer.placement().untouched == 0)
        #expect(try buffer.placement().pagesOnNode == [node: pages])
        #expect(try buffer.placement().share(onNodes: [node]) == 1)
        #expect(try unsafe numaMapsLine(at: buffer.base).hasPrefix("bind:\(node)"))
    }

    @Test func `a range that starts and ends within pages counts every page it touches`() throws {
        let size = PagePlacement.pageSize
        let buffer = try NUMABuffer(size: .bytes(4 * size), policy: .firstTouch)
        unsafe buffer.bytes[2 * size] = 1

        let range = unsafe UnsafeRawBufferPointer(rebasing: buffer.bytes[(size - 1)..<(2 * size + 1)])

        #expect(try unsafe PagePlacement.nodeOfEachPage(of: range).map { $0 == nil } == [true, true, false])
        #expect(try unsafe PagePlacement(of: range).untouched == 2)
    }

    @Test func `the kernel keeps the policy that a range was given`() throws {
        let policies: [MemoryPolicy] = [
            .strict(nodes: [node]), .preferred(node: node), .interleaved(nodes: [node]),
        ]
        for policy in policies {
            let buffer = try NUMABuffer(size: .kibibytes(64), policy: policy, isTouched: true)

            #expect(try unsafe Binding.memoryPolicy(at: buffer.base) == policy)
            #expect(try buffer.placement().untouched == 0)
        }
    }

    @Test func `a thread's policy is read back from the kernel and applies to new memory`() throws {
        let before = try Binding.memoryPolicy()
        defer { restore(before) }
        for policy in [
            MemoryPolicy.interleaved(nodes: [node]), .strict(nodes: [node]), .preferred(node: node),
        ] {
            try Binding.setMemoryPolicy(policy)
            #expect(try Binding.memoryPolicy() == policy)

            let buffer = try NUMABuffer(size: .kibibytes(64), policy: .firstTouch, isTouched: true)

            #expect(try buffer.placement().pagesOnNode == [node: buffer.placement().pages])
        }
    }

    @Test(arguments: propertySeeds.prefix(20))
    func `buffers of any size are aligned, zeroed and as large as asked`(seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        let size = ByteCount(bytes: 1 + random.below(9 << 20))
        let wantsHugePages = random.below(2) == 0

        let buffer = try NUMABuffer(
            size: size, policy: .preferred(node: node), wantsHugePages: wantsHugePages)

        let isHuge = wantsHugePages && size.bytes >= NUMABuffer.hugePageSize
        let alignment = isHuge ? NUMABuffer.hugePageSize : PagePlacement.pageSize
        #expect(UInt(bitPattern: unsafe buffer.base) % UInt(alignment) == 0)
        #expect(unsafe buffer.bytes.count == size.bytes)
        #expect(unsafe buffer.bytes.allSatisfy { $0 == 0 })
        unsafe buffer.bytes[size.bytes - 1] = 1
        #expect(try buffer.placement().pagesOnNode[node] ?? 0 >= 1)
    }

    @Test func `a node that does not exist is refused with a way on`() {
        let error = #expect(throws: BindingError.self) {
            _ = try NUMABuffer(size: .mebibytes(1), policy: .strict(nodes: [1000])).size
        }

        #expect(error?.code == EINVAL)
        #expect(error?.summary.contains("1 MiB of memory strict on nodes 1000") == true)
    }

    @Test func `a buffer's memory goes back to the kernel with its owner`() throws {
        let address = try unsafe addressOfShortLivedBuffer()

        #expect(try unsafe numaMapsLine(at: address) == "")
    }

    private func addressOfShortLivedBuffer() throws -> UnsafeRawPointer {
        let buffer = try NUMABuffer(size: .gibibytes(1), policy: .strict(nodes: [node]))
        #expect(try unsafe numaMapsLine(at: buffer.base) != "")
        return unsafe UnsafeRawPointer(buffer.base)
    }

    private func restore(_ policy: MemoryPolicy) {
        #expect(throws: Never.self) { try Binding.setMemoryPolicy(policy) }
    }
}
