internal import Essentials

/// How the parts of a machine are called where people read them, in the text and in the drawing alike.
extension Topology {
    var printableName: String { machineName.isEmpty ? "without a name" : machineName.printable }

    /// `1 package, 2 NUMA nodes, ...` for the whole machine.
    var counts: String {
        let threads = cores.reduce(0) { $0 + $1.cpus.count }
        let parts = [
            packages.isEmpty ? nil : counted(packages.count, "package"),
            counted(numaNodes.count, "NUMA node"),
            counted(cores.count, "core"), counted(threads, "thread"), "\(memory)",
        ]
        return parts.compactMap { $0 }.joined(separator: ", ")
    }

    /// One line for a part that holds others.
    func title(of tree: TopologyTree) -> String {
        let detail = detail(of: tree)
        return detail.isEmpty ? name(of: tree.part) : "\(name(of: tree.part)): \(detail)"
    }

    func name(of part: TopologyTree.Part) -> String {
        switch part {
        case .machine: "Machine \(printableName)"
        case .package(let index): "Package \(index)"
        case .node(let index):
            // The system's number is what `--numa` and numactl take; it differs where nodes are missing.
            numaNodes[index].osIndex == index
                ? "NUMA node \(index)" : "NUMA node \(index) (system's number \(numaNodes[index].osIndex))"
        case .cache(let index): caches[index].label
        case .core(let index): "Core \(index)"
        }
    }

    func detail(of tree: TopologyTree) -> String {
        switch tree.part {
        case .machine: return counts
        case .package(let index):
            let model = packages[index].model.printable
            return (model.isEmpty ? "" : "\(model), ") + "CPUs \(tree.cpus)"
        case .node(let index):
            let node = numaNodes[index]
            guard !node.cpus.isEmpty else { return "\(node.memory), memory alone" }
            return "\(node.memory), \(counted(cores(onNode: index).count, "core")), CPUs \(node.cpus)"
        case .cache, .core: return "CPUs \(tree.cpus)"
        }
    }

    /// What a core has of its own: `2 threads, L2 512 KiB, L1d 32 KiB`.
    func description(ofCore core: Int, caches privateCaches: [Int]) -> String {
        let parts = [counted(cores[core].cpus.count, "thread")] + privateCaches.map { caches[$0].label }
        return parts.joined(separator: ", ")
    }

    /// The devices that are drawn in a part: those of a node with it, those of none with the machine.
    func devices(directlyIn part: TopologyTree.Part) -> [Int] {
        switch part {
        case .machine: devices.indices.filter { devices[$0].numaNode == nil }
        case .node(let node): devices.indices.filter { devices[$0].numaNode == node }
        default: []
        }
    }
}

/// Neighbours that need only one line, or a part with a line of its own.
enum RunOfParts {
    case cores([Int], description: String)
    case other(TopologyTree)
}

extension Topology {
    /// Joins cores that stand side by side and have the same threads and caches.
    func runsOfLikeCores(in trees: [TopologyTree]) -> [RunOfParts] {
        var runs: [RunOfParts] = []
        for tree in trees {
            guard let (core, caches) = tree.coreWithPrivateCaches else {
                runs.append(.other(tree))
                continue
            }
            let description = description(ofCore: core, caches: caches)
            if case .cores(let cores, description)? = runs.last {
                runs[runs.count - 1] = .cores(cores + [core], description: description)
            } else {
                runs.append(.cores([core], description: description))
            }
        }
        return runs
    }
}

extension Topology.Cache {
    /// `L1d 32 KiB`; a cache whose size the machine does not say has none here either.
    var label: String {
        let suffix =
            switch kind {
            case .unified: ""
            case .data: "d"
            case .instruction: "i"
            }
        return size == .zero ? "L\(level)\(suffix)" : "L\(level)\(suffix) \(exactSize)"
    }

    /// Caches come in sizes such as 1280 KiB, which people know exactly.
    private var exactSize: String {
        size.bytes % 1_048_576 != 0 && size.bytes % 1024 == 0 ? "\(size.bytes / 1024) KiB" : "\(size)"
    }
}

extension Topology.AttachedDevice {
    var kindName: String {
        switch kind {
        case .gpu: "GPU"
        case .coprocessor: "Coprocessor"
        case .network: "Network"
        case .infiniband: "InfiniBand"
        case .storage: "Storage"
        case .other: "Device"
        }
    }

    /// `GPU 0000:17:00.0: 10de:20b5`, `Network eth0: 1af4:1041 at 0000:00:03.0`.
    var line: String {
        let place = pciAddress.flatMap { $0 == name ? nil : "at \($0)" }
        let rest = [model.isEmpty ? nil : model, place].compactMap { $0 }.joined(separator: " ")
        return (rest.isEmpty ? "\(kindName) \(name)" : "\(kindName) \(name): \(rest)").printable
    }
}

/// `1 core`, `2 cores`.
func counted(_ count: Int, _ noun: String) -> String {
    "\(count) \(noun)\(count == 1 ? "" : "s")"
}

extension String {
    /// The text without control characters: descriptions come from files, and terminals obey some of those.
    var printable: String {
        String(
            String.UnicodeScalarView(
                unicodeScalars.map { scalar in
                    switch scalar.properties.generalCategory {
                    case .control, .format, .surrogate, .lineSeparator, .paragraphSeparator: " "
                    default: scalar
                    }
                }))
    }
}
