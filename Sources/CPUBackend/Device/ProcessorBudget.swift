package import Essentials
internal import HardwareTopology
internal import TopologyDiscovery

#if canImport(Glibc)
internal import Glibc
#endif

/// How many threads of this process can run at once, and where.
///
/// Affinity says where; a cgroup's quota of processor time may say that fewer run at once than there are CPUs;
/// HENG_THREADS lets the person who starts us say still less.
package struct ProcessorBudget: Hashable, Sendable {
    package var cpus: CPUSet
    /// CPUs' worth of time per time; nil without a quota.
    package var quota: Double?
    /// HENG_THREADS.
    package var requested: Int?
    /// What a cgroup leaves of the machine's memory; nil when it does not limit it.
    package var memory: ByteCount?

    package init(cpus: CPUSet, quota: Double? = nil, requested: Int? = nil, memory: ByteCount? = nil) {
        self.cpus = cpus
        self.quota = quota
        self.requested = requested
        self.memory = memory
    }

    /// At least 1: a quota of half a CPU still runs one thread, half of the time.
    package var threads: Int {
        var count = max(1, cpus.count)
        if let quota { count = min(count, max(1, Int(quota.rounded(.up)))) }
        if let requested { count = min(count, max(1, requested)) }
        return count
    }

    /// The budget at the first look; threads are sized once per process.
    package static let current: ProcessorBudget = {
        let limits = CgroupLimits(root: "/sys/fs/cgroup", membership: "/proc/self/cgroup")
        return ProcessorBudget(
            cpus: allowedCPUs(), quota: limits.processors,
            requested: environment("HENG_THREADS").flatMap { Int($0) }, memory: limits.memory)
    }()

    private static func allowedCPUs() -> CPUSet {
        // A kernel that does not tell a process its own affinity does not exist; if it did, one CPU is safe.
        guard let cpus = try? Topology.allowedCPUs(), !cpus.isEmpty else { return CPUSet([0]) }
        return cpus
    }

    private static func environment(_ name: String) -> String? {
        unsafe getenv(name).map { unsafe String(cString: $0) }
    }
}
