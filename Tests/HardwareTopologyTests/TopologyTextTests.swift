import Essentials
import HardwareTopology
import TestSupport
import Testing

/// Two packages with a node and a shared cache each; two cores a package, two threads a core.
let twoPackages = Topology(
    machineName: "pair", source: .live,
    packages: [0, 1].map { .init(model: "Chip", cpus: CPUSet(($0 * 4)..<($0 * 4 + 4))) },
    numaNodes: [0, 1].map {
        .init(osIndex: $0, memory: .gibibytes(8), cpus: CPUSet(($0 * 4)..<($0 * 4 + 4)), package: $0)
    },
    cores: (0..<4).map { .init(cpus: CPUSet([$0 * 2, $0 * 2 + 1]), numaNode: $0 / 2, package: $0 / 2) },
    caches: [0, 1].map {
        .init(level: 3, kind: .unified, size: .mebibytes(16), cpus: CPUSet(($0 * 4)..<($0 * 4 + 4)))
    }
        + (0..<4).map {
            .init(level: 2, kind: .unified, size: .kibibytes(1280), cpus: CPUSet([$0 * 2, $0 * 2 + 1]))
        },
    devices: [
        .init(kind: .gpu, name: "card0", model: "10de:20b5", pciAddress: "0000:17:00.0", numaNode: 1),
        .init(kind: .storage, name: "sda", model: "", pciAddress: nil, numaNode: nil),
    ],
    distances: [[10, 21], [21, 10]])

@Suite("A topology as text")
struct TopologyTextTests {
    @Test func `parts stand inside each other, like cores on one line`() {
        #expect(
            TopologyText(twoPackages).description == """
                Machine pair: 2 packages, 2 NUMA nodes, 4 cores, 8 threads, 16 GiB
                ├─ Package 0: Chip, CPUs 0-3
                │  └─ NUMA node 0: 8 GiB, 2 cores, CPUs 0-3
                │     └─ L3 16 MiB: CPUs 0-3
                │        └─ 2 cores, CPUs 0-3: each 2 threads, L2 1280 KiB
                ├─ Package 1: Chip, CPUs 4-7
                │  └─ NUMA node 1: 8 GiB, 2 cores, CPUs 4-7
                │     ├─ L3 16 MiB: CPUs 4-7
                │     │  └─ 2 cores, CPUs 4-7: each 2 threads, L2 1280 KiB
                │     └─ GPU card0: 10de:20b5 at 0000:17:00.0
                └─ Storage sda

                Distances (from the row's node to the column's memory):
                        node 0  node 1
                node 0      10      21
                node 1      21      10

                """)
    }

    @Test func `a node that holds several packages encloses them`() {
        var topology = twoPackages
        topology.numaNodes = [.init(osIndex: 0, memory: .gibibytes(16), cpus: CPUSet(0..<8), package: nil)]
        topology.cores = topology.cores.map { .init(cpus: $0.cpus, numaNode: 0, package: $0.package) }
        topology.distances = []

        let lines = TopologyText(topology).description.split(separator: "\n")

        #expect(lines[1].hasPrefix("├─ NUMA node 0"))
        #expect(lines[2].hasPrefix("│  ├─ Package 0"))
    }

    @Test func `a node of memory alone is shown without units`() {
        var topology = twoPackages
        topology.numaNodes.append(.init(osIndex: 4, memory: .gibibytes(64), cpus: CPUSet(), package: 1))

        #expect(
            TopologyText(topology).description.contains(
                "NUMA node 2 (system's number 4): 64 GiB, memory alone"))
    }

    @Test func `names that would steer a terminal are shown without their power`() {
        var topology = twoPackages
        topology.machineName = "\u{1B}[31mred\u{7}\nline"

        let text = TopologyText(topology).description

        #expect(text.hasPrefix("Machine  [31mred  line: "))
        #expect(!text.unicodeScalars.contains("\u{1B}"))
    }

    @Test(arguments: propertySeeds) func `every core is counted on some line`(seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        let topology = randomTopology(using: &random)

        var counted = 0
        for line in TopologyText(topology).description.split(separator: "\n") {
            let words = line.drop { !$0.isLetter && !$0.isNumber }.split(separator: " ")
            guard words.count > 2, words[1].hasPrefix("core"), words[2] == "CPUs" else { continue }
            counted += Int(words[0]) ?? 0
        }

        #expect(counted == topology.cores.count)
    }
}

/// A machine with parts in the order that real ones have, or with some of them missing, numbered at random.
func randomTopology(using random: inout SeededGenerator) -> Topology {
    let (packages, nodes, cores, threads) = (
        1 + random.below(3), 1 + random.below(3), 1 + random.below(5), 1 + random.below(3)
    )
    let all = Array(0..<(packages * nodes * cores * threads))
    let units = random.below(2) == 0 ? all : all.shuffled(using: &random)
    func slice(_ index: Int, _ parts: Int) -> CPUSet {
        let size = units.count / parts
        return CPUSet(units[(index * size)..<((index + 1) * size)])
    }
    let hasPackages = random.below(4) > 0
    let hasCaches = random.below(4) > 0
    return Topology(
        machineName: "random", source: .live,
        packages: hasPackages ? (0..<packages).map { .init(model: "P", cpus: slice($0, packages)) } : [],
        numaNodes: (0..<(packages * nodes)).map {
            .init(
                osIndex: $0, memory: .gibibytes(1), cpus: slice($0, packages * nodes),
                package: hasPackages ? $0 / nodes : nil)
        },
        cores: (0..<(packages * nodes * cores)).map {
            .init(
                cpus: slice($0, packages * nodes * cores), numaNode: $0 / cores,
                package: hasPackages ? $0 / cores / nodes : nil)
        },
        caches: hasCaches
            ? (0..<packages).map {
                .init(level: 3, kind: .unified, size: .mebibytes(8), cpus: slice($0, packages))
            } : [])
}
