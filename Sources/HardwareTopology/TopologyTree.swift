internal import Essentials

/// The parts of a machine, each inside the smallest one that encloses it.
///
/// Which encloses which differs between machines: a node may hold packages or lie within one, a cache may serve
/// several nodes. So the tree follows from the units alone; parts with the same units nest as packages, nodes,
/// caches from the outermost, cores. Children stand largest first, then in the machine's numbering.
struct TopologyTree {
    enum Part: Hashable {
        case machine
        case package(Int)
        case node(Int)
        case cache(Int)
        case core(Int)
    }

    var part: Part
    var cpus: CPUSet
    var children: [TopologyTree] = []

    init(_ topology: Topology) {
        var builder = TreeBuilder(topology)
        self = builder.tree()
    }

    fileprivate init(part: Part, cpus: CPUSet) {
        self.part = part
        self.cpus = cpus
    }

    /// Itself when it is a core, or the core that it encloses through caches alone, with those caches from
    /// the outermost; nil when it holds more.
    var coreWithPrivateCaches: (core: Int, caches: [Int])? {
        switch part {
        case .core(let core): (core, [])
        case .cache(let cache):
            children.count == 1
                ? children[0].coreWithPrivateCaches.map { ($0.core, [cache] + $0.caches) } : nil
        default: nil
        }
    }
}

/// Parts from the largest to the smallest, each put into the smallest so far that holds its units.
private struct TreeBuilder {
    private let topology: Topology
    private var parts: [TopologyTree]
    private var parents: [Int] = [0]
    /// For each unit, the smallest part so far that holds it.
    private var innermost: [Int]

    init(_ topology: Topology) {
        self.topology = topology
        let cpus = topology.cpus
        parts = [TopologyTree(part: .machine, cpus: cpus)]
        innermost = [Int](repeating: 0, count: (cpus.units.last ?? 0) + 1)
    }

    mutating func tree() -> TopologyTree {
        for part in sortedParts() { place(part) }
        for (index, node) in topology.numaNodes.enumerated() where node.cpus.isEmpty {
            let home = node.package.flatMap { package in parts.firstIndex { $0.part == .package(package) } }
            parts.append(TopologyTree(part: .node(index), cpus: CPUSet()))
            parents.append(home ?? 0)
        }
        return assembled()
    }

    private func sortedParts() -> [TopologyTree] {
        let packages = topology.packages.enumerated().map { ($1.cpus, TopologyTree.Part.package($0), 0) }
        let nodes = topology.numaNodes.enumerated().map { ($1.cpus, TopologyTree.Part.node($0), 1) }
        let caches = topology.caches.enumerated().map { index, cache in
            (
                cache.cpus, TopologyTree.Part.cache(index),
                100 - 2 * cache.level - (cache.kind == .data ? 1 : 0)
            )
        }
        let cores = topology.cores.enumerated().map { ($1.cpus, TopologyTree.Part.core($0), 1000) }
        return (packages + nodes + caches + cores).enumerated()
            .filter { !$1.0.isEmpty }
            .map { (key: (-$1.0.count, $1.2, $0), tree: TopologyTree(part: $1.1, cpus: $1.0)) }
            .sorted { $0.key < $1.key }
            .map(\.tree)
    }

    private mutating func place(_ part: TopologyTree) {
        let units = part.cpus.units.filter { $0 < innermost.count }
        var parent = units.first.map { innermost[$0] } ?? 0
        // Descriptions may hold parts that overlap without nesting; such a part goes where all of it fits.
        while parent != 0, !part.cpus.isSubset(of: parts[parent].cpus) { parent = parents[parent] }
        parts.append(part)
        parents.append(parent)
        for unit in units { innermost[unit] = parts.count - 1 }
    }

    /// Children were all appended after their parents, so going backwards meets each one complete.
    private mutating func assembled() -> TopologyTree {
        for index in parts.indices.dropFirst().reversed() {
            parts[index].children.reverse()
            let part = parts[index]
            parts[parents[index]].children.append(part)
        }
        parts[0].children.reverse()
        return parts[0]
    }
}
