package import Essentials

/// The resources of each rank of a job, and how the ranks lie to each other.
///
/// A *device* of kind `cpu` is one NUMA node: its cores and its memory. All amounts are for one rank.
///
/// - `share` is a part of the device's compute. Of a cpu device it is a part of the time of all its cores: 0.5 of a
///   node with 8 cores is the time of 4 cores. The cores may be shared with others when no whole ones are free.
/// - `cores` is cores to oneself: whole ones belong to this job alone, and a fraction lies on a single core.
/// - With both, both hold: so many cores to oneself, and as much time in total as the share says.
/// - With neither, a rank gets one core; of a device of another kind it gets the whole device and one core.
package struct ResourceRequest: Hashable, Codable, Sendable {
    package var deviceKind: String
    package var share: DeviceShare?
    package var cores: CoreAmount?
    /// Bytes reserved on the NUMA node; zero reserves none.
    package var memory: ByteCount
    /// Bytes reserved on a device that is not a NUMA node; nil is the same part of its memory as `share`.
    package var deviceMemory: ByteCount?
    package var numa: NodePreference
    /// How strictly the memory must come from the node.
    package var memoryMode: MemoryMode
    /// Whether one rank may cover several NUMA nodes.
    ///
    /// It is used only when no single node of the machine could ever hold the rank.
    package var maySpan: Bool
    package var ranks: Int
    package var spread: RankSpread
    /// The whole of each machine that it gets, whatever else it asks for.
    package var isExclusive: Bool
    /// What must hold the job to its share and memory.
    package var isolation: IsolationDemand
    package var quality: QualityOfService
    /// A virtual device by its name, or any of a template; the other amounts are then those of the device.
    package var virtualDevice: VirtualDeviceChoice?
    /// Only these machines; nil is any.
    package var machines: [String]?
    package var machineClass: MachineClass?
    /// Only processing units in this set, for a submitter that may not use the whole machine; nil means all.
    ///
    /// `share` then counts the cores in the set.
    package var within: CPUSet?

    package init(
        deviceKind: String = ResourceRequest.cpu, share: DeviceShare? = nil, cores: CoreAmount? = nil,
        memory: ByteCount = .zero, deviceMemory: ByteCount? = nil, numa: NodePreference = .any,
        memoryMode: MemoryMode = .preferred, maySpan: Bool = false, ranks: Int = 1,
        spread: RankSpread = .perVirtualDevice, isExclusive: Bool = false,
        isolation: IsolationDemand = .any, quality: QualityOfService = .guaranteed,
        virtualDevice: VirtualDeviceChoice? = nil, machines: [String]? = nil,
        machineClass: MachineClass? = nil, within: CPUSet? = nil
    ) {
        self.deviceKind = deviceKind
        self.share = share
        self.cores = cores
        self.memory = memory
        self.deviceMemory = deviceMemory
        self.numa = numa
        self.memoryMode = memoryMode
        self.maySpan = maySpan
        self.ranks = ranks
        self.spread = spread
        self.isExclusive = isExclusive
        self.isolation = isolation
        self.quality = quality
        self.virtualDevice = virtualDevice
        self.machines = machines
        self.machineClass = machineClass
        self.within = within
    }

    /// The kind of device that is a NUMA node.
    package static let cpu = "cpu"
}

/// Which NUMA node a job wants, by its logical number in the topology.
package enum NodePreference: Hashable, Codable, Sendable {
    case any
    /// That node when the job fits there now, else another.
    case preferred(Int)
    /// That node and no other, even if the job has to wait for it.
    case required(Int)
}

/// From where a rank's memory comes.
package enum MemoryMode: String, Hashable, Codable, Sendable, CaseIterable {
    /// From its own nodes while they have room, then from others.
    case preferred
    /// From its own nodes only; when they are full, the rank is ended.
    case strict
    /// Page by page in turn over its own nodes.
    case interleave
}

/// What must hold a job to what it was given.
package enum IsolationDemand: String, Hashable, Codable, Sendable, CaseIterable {
    case any
    /// Nothing but a limit that the kernel or the device enforces; refused where there is none.
    case hard
}

/// What a virtual device may count on when the machine is full.
package enum QualityOfService: String, Hashable, Codable, Sendable, CaseIterable {
    /// What it was given is its own, and it never gets more.
    case guaranteed
    /// What it was given is its own, and it may use what lies idle beside it.
    case burstable
    /// It gets what lies idle, up to the machine's oversubscription, and goes first when room is needed.
    case bestEffort = "best-effort"
}

/// A virtual device that was made beforehand, or one that a template describes.
package enum VirtualDeviceChoice: Hashable, Codable, Sendable {
    case named(String)
    case template(String)
}

/// The classes of machines of GB/T 45401.2, in our reading (R4012-01).
package enum MachineClass: String, Hashable, Codable, Sendable, CaseIterable {
    case cloud, edge, terminal
}

/// How the ranks of one job lie to each other; each rank always gets a virtual device of its own.
package enum RankSpread: String, Hashable, Codable, Sendable {
    /// Over as many NUMA nodes as there are, evenly; with more ranks than nodes some share a node.
    case perNUMANode
    /// Wherever there is room, so ranks may share a node or not.
    case perVirtualDevice
    /// All on one NUMA node.
    case packed
    /// Over several machines when one does not hold them all.
    case acrossMachines
}

extension ResourceRequest {
    /// What one rank takes from the cores of a node that has so many.
    func coreDemand(onNodeWith coreCount: Int) -> CoreDemand {
        let own = cores ?? (share == nil || deviceKind != ResourceRequest.cpu ? .cores(1) : .zero)
        let shared = deviceKind == ResourceRequest.cpu ? (share?.units ?? 0) * coreCount : 0
        return CoreDemand(
            whole: own.wholeCores, fraction: own.units % CoreAmount.unitsPerCore,
            total: max(own.units, shared))
    }

    /// What the job gets of a device's memory: what it asks for, else the part that its share is.
    func memory(of device: Inventory.Device) -> ByteCount {
        if let deviceMemory { return deviceMemory }
        let share = attachedShare ?? .zero
        // In this order, because bytes times ten thousand fit in 64 bits up to 900 TB.
        return ByteCount(bytes: device.memory.bytes * share.units / DeviceShare.unitsPerDevice)
    }

    /// The share of a device that is not a NUMA node, and nil for cpu requests.
    var attachedShare: DeviceShare? {
        deviceKind == ResourceRequest.cpu ? nil : share ?? .whole
    }
}

/// Core time of one rank on one node, in the units of `CoreAmount`.
struct CoreDemand: Hashable {
    /// Cores that nobody else may use.
    var whole: Int
    /// A part of one further core, on that one core.
    var fraction: Int
    /// All core time; what is over the two above may lie on any cores of the node.
    var total: Int
}
