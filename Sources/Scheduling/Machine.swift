package import Essentials
package import HardwareTopology

/// A machine that lends itself: its topology, and which of its processing units may be lent.
package struct Machine: Hashable, Codable, Sendable {
    package var topology: Topology
    /// Units outside this set exist but belong to others, for instance by the cpuset of a container.
    package var lendable: CPUSet
    package var machineClass: MachineClass
    /// How strongly the machine can hold a job to each kind of limit; what is not named is not known.
    package var enforcement: [String: EnforcementStrength]
    /// How often over the machine lends itself to jobs of the quality `bestEffort`; 0 takes none.
    package var oversubscription: Int
    /// The memory of attached devices, by device; what is not named is not known.
    package var deviceMemory: [DeviceID: ByteCount]

    package init(
        topology: Topology, lendable: CPUSet? = nil, machineClass: MachineClass = .cloud,
        enforcement: [String: EnforcementStrength] = [:], oversubscription: Int = 1,
        deviceMemory: [DeviceID: ByteCount] = [:]
    ) {
        self.topology = topology
        self.lendable = lendable ?? topology.cpus
        self.machineClass = machineClass
        self.enforcement = enforcement
        self.oversubscription = oversubscription
        self.deviceMemory = deviceMemory
    }

    package var name: String { topology.machineName }
}

/// What a machine has to give, in the form that placement reads: computed once from the topology.
///
/// All copies share one set of facts, because placement copies inventories for every job and machine it looks at.
package struct Inventory: Sendable {
    package struct Node: Hashable, Sendable {
        package var osIndex: Int
        package var memory: ByteCount
        /// The lendable cores in groups that share their largest cache, each in rising order.
        package var cacheGroups: [[Int]]
        package var coreCount: Int
    }

    package struct Device: Hashable, Sendable {
        package var id: DeviceID
        package var model: String
        package var numaNode: Int?
        /// Zero when nobody knows.
        package var memory: ByteCount
        /// On the PCI bus.
        package var address: String?
    }

    private final class Facts: Sendable {
        let machine: Machine
        let nodes: [Node]
        let coreCPUs: [CPUSet]
        let devices: [Device]
        let computeNodes: [Int]
        let deviceKinds: [String]

        init(_ machine: Machine) {
            self.machine = machine
            let topology = machine.topology
            let coreCPUs = topology.cores.map { $0.cpus.intersection(machine.lendable) }
            self.coreCPUs = coreCPUs
            let nodes = topology.numaNodes.indices.map { node in
                let cores = topology.cores(onNode: node).filter { !coreCPUs[$0].isEmpty }
                return Node(
                    osIndex: topology.numaNodes[node].osIndex, memory: topology.numaNodes[node].memory,
                    cacheGroups: Inventory.groups(cores, of: topology), coreCount: cores.count)
            }
            self.nodes = nodes
            computeNodes = nodes.indices.filter { nodes[$0].coreCount > 0 }
            let devices = Inventory.attachedDevices(of: machine)
            self.devices = devices
            var kinds = [ResourceRequest.cpu]
            for device in devices where !kinds.contains(device.id.kind) { kinds.append(device.id.kind) }
            deviceKinds = kinds
        }
    }

    private let facts: Facts

    package init(_ machine: Machine) { facts = Facts(machine) }

    package var machine: Machine { facts.machine }
    // Without a copy of the machine.
    package var name: String { facts.machine.name }
    package var topology: Topology { facts.machine.topology }
    func refusal(of request: ResourceRequest) -> String? { facts.machine.refusal(of: request) }
    /// By logical node number; a node without lendable cores has none but keeps its memory.
    package var nodes: [Node] { facts.nodes }
    /// The lendable processing units of each core, by the core's logical number.
    package var coreCPUs: [CPUSet] { facts.coreCPUs }
    package var devices: [Device] { facts.devices }
    /// The nodes that can run something.
    package var computeNodes: [Int] { facts.computeNodes }
    /// The kinds of device that jobs may ask for, `cpu` first.
    package var deviceKinds: [String] { facts.deviceKinds }

    /// The same machine for someone who may use only some of its processing units.
    func restricted(to cpus: CPUSet?) -> Inventory {
        guard let cpus, !machine.lendable.isSubset(of: cpus) else { return self }
        var part = machine
        part.lendable = machine.lendable.intersection(cpus)
        return Inventory(part)
    }

    /// What a device is called when speeds are compared.
    func model(of device: DeviceID) -> String {
        if let attached = devices.first(where: { $0.id == device }) { return attached.model }
        return machine.topology.packages.first?.model ?? machine.name
    }

    /// How far a device's memory accesses travel from a node: 10 is local, and 10 too when nobody knows.
    func distance(from device: Device, to node: Int) -> Int {
        device.numaNode.map { machine.topology.distance(from: $0, to: node) } ?? 10
    }

    private static func groups(_ cores: [Int], of topology: Topology) -> [[Int]] {
        let data = topology.caches.filter { $0.kind != .instruction }
        let largest = data.map(\.level).max()
        let caches = data.filter { $0.level == largest }
        var groups: [Int: [Int]] = [:]
        for core in cores {
            // A core under no such cache joins the group of the cores that have none either.
            let cache = caches.firstIndex { !$0.cpus.isDisjoint(with: topology.cores[core].cpus) } ?? -1
            groups[cache, default: []].append(core)
        }
        return groups.sorted { $0.value[0] < $1.value[0] }.map(\.value)
    }

    /// Only devices that compute are lent; network cards and disks are not.
    private static func attachedDevices(of machine: Machine) -> [Device] {
        var counts: [String: Int] = [:]
        return machine.topology.devices.compactMap { device in
            guard device.kind == .gpu || device.kind == .coprocessor else { return nil }
            let kind = device.kind.rawValue
            defer { counts[kind, default: 0] += 1 }
            let id = DeviceID(kind: kind, index: counts[kind, default: 0])
            return Device(
                id: id, model: device.model, numaNode: device.numaNode,
                memory: machine.deviceMemory[id] ?? .zero, address: device.pciAddress)
        }
    }
}

extension Inventory: Hashable {
    /// Everything follows from the machine.
    package static func == (left: Inventory, right: Inventory) -> Bool {
        left.facts === right.facts || left.machine == right.machine
    }

    package func hash(into hasher: inout Hasher) { hasher.combine(machine) }
}

extension Machine {
    /// Where its accelerators are on the PCI bus, as far as that is known.
    package var acceleratorAddresses: [DeviceID: String] {
        Dictionary(
            uniqueKeysWithValues: Inventory(self).devices.compactMap { device in
                device.address.map { (device.id, $0) }
            })
    }
}

extension Inventory: Codable {
    /// Everything follows from the machine, so only that is written.
    package init(from decoder: any Decoder) throws {
        self.init(try Machine(from: decoder))
    }

    package func encode(to encoder: any Encoder) throws { try machine.encode(to: encoder) }
}

extension DeviceID {
    /// The device that a NUMA node is.
    static func cpu(_ node: Int) -> DeviceID { DeviceID(kind: ResourceRequest.cpu, index: node) }
}
