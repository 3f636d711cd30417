internal import Essentials

#if canImport(Glibc)
internal import Glibc
#endif

/// How the machine's CPUs become devices: one per NUMA node, with the CPUs this process may run on.
enum MachineLayout {
    struct Node: Hashable, Sendable {
        var name: String
        var vendor: String
        /// The operating system's number; nil where the machine knows none.
        var number: Int?
        var cpus: CPUSet
        var memory: ByteCount
    }

    /// Read once: devices are fixed while the process runs.
    static let nodes: [Node] = {
        let allowed = ProcessorBudget.current.cpus
        let memory = ByteCount(bytes: sysconf(Int32(_SC_PHYS_PAGES)) * sysconf(Int32(_SC_PAGESIZE)))
        return [Node(name: "CPU", vendor: "unknown", number: nil, cpus: allowed, memory: memory)]
    }()

    static func devices() -> [CPUDevice] {
        nodes.map {
            CPUDevice(name: $0.name, vendor: $0.vendor, node: $0.number, cpus: $0.cpus, memory: $0.memory)
        }
    }
}
