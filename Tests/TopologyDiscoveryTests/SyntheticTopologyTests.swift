import Essentials
import HardwareTopology
import TestSupport
import Testing
import TopologyDiscovery

@Suite("Synthetic topologies")
struct SyntheticTopologyTests {
    @Test func `four nodes of eight cores with two threads are sixty-four units`() throws {
        let topology = try Topology.load(from: "synthetic:numa:4 core:8 pu:2")

        #expect(topology.numaNodes.count == 4)
        #expect(topology.cores.count == 32)
        #expect(topology.cpus.count == 64)
        #expect(topology.source == .synthetic(description: "numa:4 core:8 pu:2"))
        expectConsistent(topology)
    }

    @Test func `packages, nodes, caches and sizes are as the text says`() throws {
        let topology = try Topology(
            synthetic: "pack:2 numa:1(memory=64GiB) l3:1(size=32MiB) l2:4(size=512K) core:1 pu:1")

        #expect(topology.packages.map(\.cpus) == [CPUSet(0..<4), CPUSet(4..<8)])
        #expect(topology.numaNodes.map(\.memory) == [.gibibytes(64), .gibibytes(64)])
        #expect(topology.numaNodes.map(\.package) == [0, 1])
        #expect(topology.caches.filter { $0.level == 3 }.map(\.size) == [.mebibytes(32), .mebibytes(32)])
        #expect(topology.caches.filter { $0.level == 2 }.allSatisfy { $0.size == .kibibytes(512) })
    }

    @Test func `memory for the whole machine leaves each core with the memory beside it`() throws {
        let topology = try Topology(
            synthetic: "[numa(memory=512GiB)] pack:2 [numa(memory=64GiB)] core:2 pu:1")

        #expect(topology.numaNodes.map(\.memory.bytes).sorted() == [64, 64, 512].map { $0 << 30 })
        #expect(topology.numaNodes.filter(\.cpus.isEmpty).map(\.memory) == [.gibibytes(512)])
        expectConsistent(topology)
    }

    @Test(arguments: propertySeeds) func `the counts of all levels multiply`(seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        let kinds = ["pack", "numa", "l3", "core", "pu"]
        let counts = kinds.map { kind in (kind, 1 + random.below(kind == "core" ? 8 : 4)) }
        var totals: [String: Int] = [:]
        var width = 1
        for (kind, count) in counts {
            width *= count
            totals[kind] = width
        }

        let topology = try Topology(synthetic: counts.map { "\($0):\($1)" }.joined(separator: " "))

        #expect(topology.packages.count == totals["pack"])
        #expect(topology.numaNodes.count == totals["numa"])
        #expect(topology.caches.count == totals["l3"])
        #expect(topology.cores.count == totals["core"])
        #expect(topology.cpus.count == totals["pu"])
        expectConsistent(topology)
    }

    @Test(arguments: [
        "", " ", "nonsense", "pu", "pu:0", "pu:-1", "pu:x", "pu:2:2", "numa:4", "core:8", "pu:2 core:2",
        "64 64",
        "numa:2 numa:2 pu:1", "pu:999999999999999999999", "pack:512 core:512 pu:512",
        "pack:512 numa:512 pu:1",
        "numa:2(memory=) pu:1", "numa:2(memory=9999999TiB) pu:1", "numa:2(memory=1GiB pu:1",
        "pu:1(indexes=3)",
        "[core] pu:2", "[numa] [", "pu:1 [numa]", "core:2\u{0} pu:1", "кор:2 pu:1",
        String(repeating: "group:1 ", count: 1000) + "pu:1", String(repeating: "9", count: 100_000),
    ])
    func `a text that is no machine, or too large a one, is refused with a way on`(text: String) {
        #expect { try Topology.load(from: "synthetic:" + text) } throws: { error in
            guard let error = error as? TopologyError, case .badSynthetic = error else { return false }
            return error.exitCode == .wrongUse && error.summary.count < 400
                && error.nextStep?.contains("synthetic:pack:2") == true
        }
    }

    @Test(arguments: propertySeeds)
    func `random texts near to right ones are read or refused, never worse`(seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        let pieces = [
            "pack", "numa", "l3", "l1i", "core", "pu", "group", "die", ":1", ":2", ":7", ":", " ", " ",
            "[numa]",
            "(memory=1GiB)", "(size=3KiB)", "(", ")", "0", "é", "\t",
        ]
        for _ in 0..<50 {
            let text = (0..<random.below(14)).map { _ in random.pick(pieces) }.joined() + " pu:2"
            do {
                expectConsistent(try Topology(synthetic: text))
            } catch {
                #expect(error.exitCode == .wrongUse)
            }
        }
    }
}
