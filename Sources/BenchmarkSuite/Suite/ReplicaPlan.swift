package import Essentials
package import HardwareTopology
package import Scheduling

/// How the machine is divided for inference and for ranks: one part per NUMA node, or two parts of a single node.
package struct ReplicaPlan {
    package var ranks: Int
    package var coresPerRank: Int
    package var spread: RankSpread
    /// The part of its NUMA node's cores that one rank has.
    package var shareOfNode: Double
    package var note: String
    /// The parts by name, as the report's drawing shows them.
    package var lent: [(label: String, cpus: CPUSet)]

    package init(_ topology: Topology, allowed: CPUSet) {
        let nodes = topology.usableNodes(allowed).map { topology.usableCores(onNode: $0, allowed) }
        func cpus(_ cores: some Sequence<Int>) -> CPUSet {
            cores.reduce(CPUSet()) { $0.union(topology.cores[$1].cpus) }.intersection(allowed)
        }
        guard nodes.count == 1, let cores = nodes.first else {
            ranks = nodes.count
            coresPerRank = nodes.map(\.count).min() ?? 1
            spread = .perNUMANode
            shareOfNode = 1
            note = "\(ranks) virtual devices, one on each NUMA node"
            lent = nodes.enumerated().map { ("part \($0.offset)", cpus($0.element)) }
            return
        }
        ranks = min(2, cores.count)
        coresPerRank = cores.count / ranks
        spread = .perVirtualDevice
        shareOfNode = Double(coresPerRank) / Double(cores.count)
        note =
            ranks == 1
            ? "one core is usable here, so there is one virtual device"
            : "one NUMA node is usable here, so the \(ranks) virtual devices are parts of it, "
                + "\(coresPerRank) core\(coresPerRank == 1 ? "" : "s") each"
        let size = coresPerRank
        lent = (0..<ranks).map { rank in
            ("part \(rank)", cpus(cores[(rank * size)..<((rank + 1) * size)]))
        }
    }
}

extension Topology {
    /// The cores of a node, by logical number, of which this process may use a processing unit; the scheduler lends the
    /// same ones.
    func usableCores(onNode node: Int, _ allowed: CPUSet) -> [Int] {
        cores(onNode: node).filter { !cores[$0].cpus.isDisjoint(with: allowed) }
    }

    /// The nodes with such cores, by logical number.
    func usableNodes(_ allowed: CPUSet) -> [Int] {
        numaNodes.indices.filter { !usableCores(onNode: $0, allowed).isEmpty }
    }
}
