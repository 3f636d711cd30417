package import Essentials

/// What a user asks for: the resources, how long at most, how urgent, and what to print beside the job.
package struct JobRequest: Hashable, Codable, Sendable {
    package var resources: ResourceRequest
    /// The longest the job may hold its resources, counted from the moment it gets them.
    ///
    /// Without it the job may run for ever, and behind a reservation it starts only where it stays out of the way.
    package var timeLimit: Duration?
    /// Higher starts first; equal priorities start in the order of submission.
    package var priority: Int
    package var label: JobLabel

    package init(
        resources: ResourceRequest = ResourceRequest(), timeLimit: Duration? = nil, priority: Int = 0,
        label: JobLabel
    ) {
        self.resources = resources
        self.timeLimit = timeLimit
        self.priority = priority
        self.label = label
    }
}

/// What people recognise a job by; placement never looks at it.
package struct JobLabel: Hashable, Codable, Sendable {
    package var user: String
    package var name: String
    package var command: [String]

    package init(user: String, name: String? = nil, command: [String]) {
        self.user = user
        self.name = name ?? command.first.map(lastPathComponent) ?? ""
        self.command = command
    }
}

private func lastPathComponent(_ path: String) -> String {
    path.split(separator: "/").last.map(String.init) ?? path
}

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
    package var numa: NodePreference
    /// Whether one rank may cover several NUMA nodes.
    ///
    /// It is used only when no single node of the machine could ever hold the rank.
    package var maySpan: Bool
    package var ranks: Int
    package var spread: RankSpread
    /// Only processing units in this set, for a submitter that may not use the whole machine; nil means all.
    ///
    /// `share` then counts the cores in the set.
    package var within: CPUSet?

    package init(
        deviceKind: String = ResourceRequest.cpu, share: DeviceShare? = nil, cores: CoreAmount? = nil,
        memory: ByteCount = .zero, numa: NodePreference = .any, maySpan: Bool = false, ranks: Int = 1,
        spread: RankSpread = .perVirtualDevice, within: CPUSet? = nil
    ) {
        self.deviceKind = deviceKind
        self.share = share
        self.cores = cores
        self.memory = memory
        self.numa = numa
        self.maySpan = maySpan
        self.ranks = ranks
        self.spread = spread
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

/// How the ranks of one job lie to each other; each rank always gets a virtual device of its own.
package enum RankSpread: String, Hashable, Codable, Sendable {
    /// Over as many NUMA nodes as there are, evenly; with more ranks than nodes some share a node.
    case perNUMANode
    /// Wherever there is room, so ranks may share a node or not.
    case perVirtualDevice
    /// All on one NUMA node.
    case packed
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
