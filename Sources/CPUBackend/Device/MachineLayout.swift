internal import AcceleratorAPI
internal import Essentials
internal import HardwareTopology
internal import TopologyDiscovery

/// How the machine's CPUs become devices: one per NUMA node, with the CPUs this process may run on.
enum MachineLayout {
    struct Node: Hashable, Sendable {
        var name: String
        /// The operating system's number.
        var number: Int?
        var cpus: CPUSet
        var memory: ByteCount
        /// The largest cache level's size over the node's CPUs together; what measurements must exceed.
        var cache: ByteCount
    }

    /// Looked at once: devices are fixed while the process runs.
    static let discovered: Result<[Node], TopologyError> = {
        do throws(TopologyError) {
            return .success(nodes(of: try Topology.discover(), budget: .current))
        } catch { return .failure(error) }
    }()

    /// For threads, which are needed even where the machine cannot be described: then all allowed CPUs as one node.
    static var nodes: [Node] {
        switch discovered {
        case .success(let nodes): nodes
        case .failure:
            // The failure itself reaches people through the backend's initialize.
            [Node(name: "CPU", number: nil, cpus: ProcessorBudget.current.cpus, memory: .zero, cache: .zero)]
        }
    }

    /// The nodes that have a CPU we may use, each with those CPUs; memory as far as a cgroup leaves it.
    static func nodes(of topology: Topology, budget: ProcessorBudget) -> [Node] {
        topology.numaNodes.compactMap { node in
            let cpus = node.cpus.intersection(budget.cpus)
            guard !cpus.isEmpty else { return nil }
            let model = node.package.map { topology.packages[$0].model } ?? ""
            return Node(
                name: model.isEmpty ? "CPU" : model, number: node.osIndex, cpus: cpus,
                memory: min(node.memory, budget.memory ?? node.memory), cache: cache(topology, cpus))
        }
    }

    private static func cache(_ topology: Topology, _ cpus: CPUSet) -> ByteCount {
        let caches = topology.caches.filter { $0.kind != .instruction && !$0.cpus.isDisjoint(with: cpus) }
        let top = caches.map(\.level).max() ?? 0
        return caches.filter { $0.level == top }.reduce(.zero) { $0 + $1.size }
    }

    static func devices() throws(DeviceError) -> [CPUDevice] {
        do {
            return try discovered.get().map {
                CPUDevice(name: $0.name, node: $0.number, cpus: $0.cpus, memory: $0.memory)
            }
        } catch {
            throw DeviceError(.general, operation: "initialize", text: "\(error)")
        }
    }
}
