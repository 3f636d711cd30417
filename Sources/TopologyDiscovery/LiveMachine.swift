internal import CNuma
package import Essentials
package import HardwareTopology

extension Topology {
    /// Repairs the memory of a machine with one node.
    ///
    /// Kernels that initialise memory late (virtual machines mostly) report a node smaller than it is and growing
    /// while memory is used: 5 GiB, later 15 GiB, of 24 GiB. /proc/meminfo has the whole from the start, so with one
    /// node the larger of the two is right. With several nodes nothing says whose share is missing, so the nodes
    /// stay as reported. The sum is never treated as a constant.
    mutating func correctLiveMemory() {
        guard numaNodes.count == 1, let total = Self.memoryTotal(in: kernelFile("/proc/meminfo") ?? "") else {
            return
        }
        numaNodes[0].memory = max(numaNodes[0].memory, total)
    }

    /// Reads `MemTotal:  24689824 kB` out of /proc/meminfo.
    static func memoryTotal(in text: String) -> ByteCount? {
        for line in text.split(separator: "\n") where line.hasPrefix("MemTotal:") {
            let fields = line.split(separator: " ")
            guard fields.count == 3, fields[2] == "kB", let kibibytes = Int(fields[1]), kibibytes < 1 << 40
            else { return nil }
            return .kibibytes(kibibytes)
        }
        return nil
    }

    /// Asks libnuma for the distances where hwloc gives none; it does not for a machine with one node.
    mutating func fillLiveDistances() {
        guard distances.isEmpty, numa_available() >= 0 else { return }
        let matrix = numaNodes.map { from in
            numaNodes.map { to in Int(numa_distance(Int32(from.osIndex), Int32(to.osIndex))) }
        }
        // Zero is libnuma's word for "not known".
        if matrix.allSatisfy({ row in row.allSatisfy { $0 > 0 } }) { distances = matrix }
    }
}

extension Topology.NUMANode {
    /// The memory of this node that is free now on the live machine; nil when the kernel does not say.
    ///
    /// Kernels that initialise memory late count what is not yet initialised as neither free nor there.
    package func liveFreeMemory() -> ByteCount? {
        guard numa_available() >= 0 else { return nil }
        var free: Int64 = 0
        guard unsafe numa_node_size64(Int32(osIndex), &free) >= 0, free >= 0 else { return nil }
        return ByteCount(bytes: Int(free))
    }
}
