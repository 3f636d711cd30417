internal import Essentials

/// A machine as a person reads it in a terminal: a tree, then the distances between its memory nodes.
///
/// ```
/// Machine vm: 1 package, 1 NUMA node, 2 cores, 2 threads, 23.5 GiB
/// └─ Package 0: AMD EPYC, CPUs 0-1
///    └─ NUMA node 0: 23.5 GiB, 2 cores, CPUs 0-1
///       └─ L3 32 MiB, CPUs 0-1
///          └─ 2 cores, CPUs 0-1: each 1 thread, L2 512 KiB, L1d 32 KiB, L1i 32 KiB
/// ```
package struct TopologyText: CustomStringConvertible {
    private let topology: Topology

    package init(_ topology: Topology) { self.topology = topology }

    package var description: String {
        let tree = TopologyTree(topology)
        var lines = ["Machine \(topology.printableName): \(topology.counts)"]
        append(entries(inside: tree), indentation: "", to: &lines)
        return (lines + distanceLines()).joined(separator: "\n") + "\n"
    }

    /// One line of the tree and what hangs below it.
    private struct Entry {
        var line: String
        var below: [Entry] = []
    }

    private func append(_ entries: [Entry], indentation: String, to lines: inout [String]) {
        for (index, entry) in entries.enumerated() {
            let isLast = index == entries.count - 1
            lines.append("\(indentation)\(isLast ? "└─" : "├─") \(entry.line)")
            append(entry.below, indentation: indentation + (isLast ? "   " : "│  "), to: &lines)
        }
    }

    private func entries(inside tree: TopologyTree) -> [Entry] {
        var entries: [Entry] = []
        for run in topology.runsOfLikeCores(in: tree.children) {
            switch run {
            case .cores(let cores, let description):
                entries.append(Entry(line: line(for: cores, description)))
            case .other(let child):
                entries.append(Entry(line: topology.title(of: child), below: self.entries(inside: child)))
            }
        }
        let devices = topology.devices(directlyIn: tree.part).map { Entry(line: topology.devices[$0].line) }
        return entries + devices
    }

    private func line(for cores: [Int], _ description: String) -> String {
        let cpus = cores.reduce(CPUSet()) { $0.union(topology.cores[$1].cpus) }
        guard cores.count > 1 else { return "1 core, CPUs \(cpus): \(description)" }
        return "\(cores.count) cores, CPUs \(cpus): each \(description)"
    }

    private func distanceLines() -> [String] {
        let nodes = topology.distances.indices
        guard nodes.count > 1 else { return [] }
        let names = nodes.map { "node \($0)" }
        let width = (names + topology.distances.joined().map(String.init)).map(\.count).max() ?? 0
        let header = ([""] + names).map { $0.leftPadded(to: width) }.joined(separator: "  ")
        let rows = nodes.map { node in
            ([names[node]] + topology.distances[node].map(String.init)).map { $0.leftPadded(to: width) }
                .joined(separator: "  ")
        }
        return ["", "Distances (from the row's node to the column's memory):", header] + rows
    }
}
