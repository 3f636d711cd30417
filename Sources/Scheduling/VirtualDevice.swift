package import Essentials

/// The part of a machine that one rank of a job gets: cores and memory of one NUMA node, and maybe a share of a device.
///
/// It has more than one piece only when its request could not fit on any single node and allowed spanning.
package struct VirtualDevice: Hashable, Codable, Sendable {
    /// Time on one core; the whole core when it is `CoreAmount.cores(1)`.
    package struct CoreSlice: Hashable, Codable, Sendable {
        package var core: Int
        package var amount: CoreAmount

        package init(core: Int, amount: CoreAmount) {
            self.core = core
            self.amount = amount
        }
    }

    /// What lies on one NUMA node.
    package struct Piece: Hashable, Codable, Sendable {
        /// Logical number in the topology.
        package var numaNode: Int
        /// The operating system's number, for `mbind` and `cpuset.mems`.
        package var osIndex: Int
        package var cores: [CoreSlice]
        package var memory: ByteCount

        package init(numaNode: Int, osIndex: Int, cores: [CoreSlice], memory: ByteCount) {
            self.numaNode = numaNode
            self.osIndex = osIndex
            self.cores = cores
            self.memory = memory
        }
    }

    /// The device that this is a part of: `cpu:` and the node, or the attached device.
    package var device: DeviceID
    /// The part of `device`; for a cpu device a rounded figure, because the core slices are the exact one.
    package var share: DeviceShare
    /// Bytes of the memory of a device that is not a NUMA node.
    package var deviceMemory: ByteCount
    package var pieces: [Piece]
    /// The processing units to bind to.
    package var cpus: CPUSet
    /// How many units' time it may use, for a quota: whole units unless a core is shared.
    package var cpuTime: Double

    package init(
        device: DeviceID, share: DeviceShare, deviceMemory: ByteCount = .zero, pieces: [Piece],
        of inventory: Inventory
    ) {
        self.device = device
        self.share = share
        self.deviceMemory = deviceMemory
        self.pieces = pieces
        var cpus = CPUSet()
        var time = 0.0
        for slice in pieces.flatMap(\.cores) {
            let units = inventory.coreCPUs[slice.core]
            cpus = cpus.union(units)
            time += slice.amount.inCores * Double(units.count)
        }
        self.cpus = cpus
        cpuTime = time
    }

    /// The node where it lies, or its first node when it spans several.
    package var numaNode: Int { pieces[0].numaNode }
    package var numaNodes: [Int] { pieces.map(\.numaNode) }
    package var osNodes: [Int] { pieces.map(\.osIndex) }
    package var memory: ByteCount { pieces.reduce(.zero) { $0 + $1.memory } }
    package var cores: CoreAmount {
        pieces.flatMap(\.cores).reduce(.zero) { $0 + $1.amount }
    }

    /// Whether no other job may use any of its cores.
    package var ownsItsCores: Bool {
        pieces.flatMap(\.cores).allSatisfy { $0.amount == .cores(1) }
    }
}

extension VirtualDevice: CustomStringConvertible {
    /// For a person: `cpu:0 1.5 cores on CPUs 0-1, 2 GiB`.
    package var description: String {
        let nodes =
            pieces.count == 1 ? "" : " over nodes \(numaNodes.map(String.init).joined(separator: "+"))"
        let part = device.kind == ResourceRequest.cpu || share == .whole ? "" : " (\(share))"
        let bytes = memory == .zero ? "" : ", \(memory)"
        return "\(device)\(part)\(nodes) \(cores.phrase) on CPUs \(cpus)\(bytes)"
    }
}

/// Which machines a job gets, and a virtual device there for each of its ranks.
package struct Placement: Hashable, Codable, Sendable {
    /// What lies on one machine.
    package struct Part: Hashable, Codable, Sendable {
        package var machine: String
        package var ranks: [VirtualDevice]
        /// The virtual devices made beforehand that the ranks lie in; none otherwise.
        package var namedDevices: [String]

        package init(machine: String, ranks: [VirtualDevice], namedDevices: [String] = []) {
            self.machine = machine
            self.ranks = ranks
            self.namedDevices = namedDevices
        }
    }

    /// At least one; ranks are counted through from the first part on.
    package var parts: [Part]
    /// Whether nobody else may have anything of its machines.
    package var isExclusive: Bool

    package init(parts: [Part], isExclusive: Bool = false) {
        precondition(!parts.isEmpty, "a placement is somewhere")
        self.parts = parts
        self.isExclusive = isExclusive
    }

    package init(machine: String, ranks: [VirtualDevice]) {
        self.init(parts: [Part(machine: machine, ranks: ranks)])
    }

    /// The machine of the first rank.
    package var machine: String { parts[0].machine }
    package var machines: [String] { parts.map(\.machine) }
    package var ranks: [VirtualDevice] { parts.count == 1 ? parts[0].ranks : parts.flatMap(\.ranks) }
    package var cpus: CPUSet { ranks.reduce(CPUSet()) { $0.union($1.cpus) } }
    package var cores: CoreAmount { ranks.reduce(.zero) { $0 + $1.cores } }
    package var memory: ByteCount { ranks.reduce(.zero) { $0 + $1.memory } }
    /// The NUMA nodes in rising order.
    package var numaNodes: [Int] { Set(ranks.flatMap(\.numaNodes)).sorted() }
    /// Shares of devices that are not NUMA nodes, in `DeviceShare` units.
    package var attachedShare: Int {
        ranks.reduce(0) { $0 + ($1.device.kind == ResourceRequest.cpu ? 0 : $1.share.units) }
    }
    var usesNamedDevices: Bool { parts.contains { !$0.namedDevices.isEmpty } }
}

extension Placement: CustomStringConvertible {
    package var description: String {
        let ranks = parts.flatMap { part in part.ranks.map { (part.machine, $0) } }
        if ranks.count == 1 { return ranks[0].1.description }
        return ranks.enumerated().map { number, rank in
            "rank \(number): \(rank.1)" + (parts.count > 1 ? " of \(rank.0)" : "")
        }.joined(separator: "; ")
    }
}
