package import Essentials
internal import HardwareTopology
package import Scheduling

/// The part of a machine that a surrounding Slurm allocation gives us, as its variables and the kernel's masks say.
package struct SlurmAllocation: Hashable, Sendable {
    package var job: String
    /// The processing units that we may use.
    package var cpus: CPUSet
    /// The operating system's numbers of the NUMA nodes that memory may come from; nil is all.
    package var memoryNodes: CPUSet?
    /// All memory together; nil is no limit.
    package var memory: ByteCount?
    /// The indices of the accelerators that are visible; nil is all.
    package var devices: [Int]?

    /// Nil outside an allocation.
    ///
    /// `affinity` and `memoryNodes` are the kernel's masks of this process, `groupLimit` its memory group's limit.
    package init?(
        environment: [String: String], affinity: CPUSet, memoryNodes: CPUSet? = nil,
        groupLimit: ByteCount? = nil
    ) {
        guard let job = environment["SLURM_JOB_ID"] ?? environment["SLURM_JOBID"], !job.isEmpty,
            // A job of our own has Slurm's names too; what it was given is in the daemon's hands already.
            environment["HENG_JOB_ID"] == nil
        else { return nil }
        self.job = job
        cpus = affinity
        self.memoryNodes = memoryNodes
        memory = [groupLimit, Self.memory(environment, cpuCount: affinity.count)].compactMap(\.self).min()
        devices = Self.devices(environment)
    }

    /// Slurm counts in mebibytes; zero is all of the machine.
    private static func memory(_ environment: [String: String], cpuCount: Int) -> ByteCount? {
        func mebibytes(_ name: String) -> Int? {
            environment[name].flatMap { Int($0) }.flatMap { $0 > 0 && $0 < 1 << 40 ? $0 : nil }
        }
        if let whole = mebibytes("SLURM_MEM_PER_NODE") { return .mebibytes(whole) }
        let count = environment["SLURM_CPUS_ON_NODE"].flatMap { Int($0) } ?? cpuCount
        return mebibytes("SLURM_MEM_PER_CPU").map { .mebibytes($0 * max(1, min(count, 1 << 20))) }
    }

    /// A list that holds anything but indices, such as identifiers of partitions, hides nothing.
    private static func devices(_ environment: [String: String]) -> [Int]? {
        for name in ["CUDA_VISIBLE_DEVICES", "HIP_VISIBLE_DEVICES", "ROCR_VISIBLE_DEVICES", "SLURM_JOB_GPUS"]
        {
            guard let text = environment[name] else { continue }
            if text.isEmpty || text == "-1" || text == "NoDevFiles" { return [] }
            let numbers = text.split(separator: ",").map { Int($0) }
            let valid = numbers.compactMap { $0.flatMap { $0 >= 0 ? $0 : nil } }
            return valid.count == numbers.count ? valid : nil
        }
        return nil
    }

    /// The machine as far as it is ours to lend.
    package func restrict(_ machine: Machine) -> Machine {
        var topology = machine.topology
        restrictMemory(of: &topology)
        if let devices { topology.devices = Self.visible(topology.devices, devices) }
        return Machine(topology: topology, lendable: machine.lendable.intersection(cpus))
    }

    /// A limit on all nodes together is shared out by their size, so that no sum of jobs is over it.
    private func restrictMemory(of topology: inout Topology) {
        for index in topology.numaNodes.indices {
            if let memoryNodes, !memoryNodes.contains(topology.numaNodes[index].osIndex) {
                topology.numaNodes[index].memory = .zero
            }
        }
        let total = topology.memory
        guard let memory, memory < total else { return }
        let part = Double(memory.bytes) / Double(total.bytes)
        for index in topology.numaNodes.indices {
            let page = 4096
            let bytes = Int(Double(topology.numaNodes[index].memory.bytes) * part) / page * page
            topology.numaNodes[index].memory = .bytes(bytes)
        }
    }

    /// Accelerators are counted in the order of the topology; everything else stays.
    private static func visible(_ all: [Topology.AttachedDevice], _ indices: [Int]) -> [Topology
        .AttachedDevice]
    {
        var next = 0
        return all.filter { device in
            guard device.kind == .gpu || device.kind == .coprocessor else { return true }
            defer { next += 1 }
            return indices.contains(next)
        }
    }
}

extension SlurmAllocation {
    /// What surrounds this process.
    package static func current(environment: [String: String]) -> SlurmAllocation? {
        let status = SmallFile.read("/proc/self/status") ?? ""
        func mask(_ name: String) -> CPUSet? {
            status.split(separator: "\n").first { $0.hasPrefix(name + ":") }
                .flatMap { CPUSet(parsing: String($0.dropFirst(name.count + 1).filter { !$0.isWhitespace })) }
        }
        guard let affinity = mask("Cpus_allowed_list") else { return nil }
        return SlurmAllocation(
            environment: environment, affinity: affinity, memoryNodes: mask("Mems_allowed_list"),
            groupLimit: groupLimit())
    }

    /// The limit of this process's memory group; nil where there is none.
    private static func groupLimit() -> ByteCount? {
        guard let mounts = SmallFile.read("/proc/self/mountinfo"),
            let memberships = SmallFile.read("/proc/self/cgroup")
        else { return nil }
        let places = ControlGroupMounts(mounts: mounts, memberships: memberships)
        let texts = [
            places.unified.flatMap { SmallFile.value("\($0)/memory.max") },
            places.legacy[.memory].flatMap { SmallFile.value("\($0)/memory.limit_in_bytes") },
        ]
        // Version 1 says "none" with a number near the largest.
        return texts.compactMap { $0.flatMap { Int($0) } }.filter { $0 > 0 && $0 < 1 << 60 }.min().map {
            .bytes($0)
        }
    }
}
