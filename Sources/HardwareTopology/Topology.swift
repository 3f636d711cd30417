package import Essentials

/// One machine as a value: packages, NUMA nodes, caches, cores, attached devices and distances.
///
/// It is only a description. It may come from the live machine, from an hwloc XML file or from a synthetic text
/// (see `TopologyDiscovery`), and placement code treats the three alike.
///
/// NUMA nodes, cores and packages are numbered from 0 in their arrays' order (the *logical* index); processing
/// units carry the operating system's numbers, because those are what affinity calls take.
package struct Topology: Hashable, Codable, Sendable {
    package var machineName: String
    package var source: Source
    package var packages: [Package]
    package var numaNodes: [NUMANode]
    package var cores: [Core]
    package var caches: [Cache]
    package var devices: [AttachedDevice]
    /// `distances[i][j]` is the cost of node i reaching node j's memory, 10 being local, as the firmware says.
    ///
    /// Empty when the machine does not say.
    package var distances: [[Int]]

    package init(
        machineName: String, source: Source, packages: [Package], numaNodes: [NUMANode], cores: [Core],
        caches: [Cache] = [], devices: [AttachedDevice] = [], distances: [[Int]] = []
    ) {
        self.machineName = machineName
        self.source = source
        self.packages = packages
        self.numaNodes = numaNodes
        self.cores = cores
        self.caches = caches
        self.devices = devices
        self.distances = distances
    }

    /// Where the description came from.
    package enum Source: Hashable, Codable, Sendable {
        case live
        case xml(file: String)
        case synthetic(description: String)
    }

    /// A processor package (socket).
    package struct Package: Hashable, Codable, Sendable {
        package var model: String
        package var cpus: CPUSet

        package init(model: String, cpus: CPUSet) {
            self.model = model
            self.cpus = cpus
        }
    }

    /// Memory with the processing units that are closest to it.
    package struct NUMANode: Hashable, Codable, Sendable {
        /// The operating system's number, as `mbind` and `numactl` take it.
        package var osIndex: Int
        /// What the system reports now; on some virtual machines it grows while the guest wakes memory up.
        package var memory: ByteCount
        /// Empty for a node of memory alone.
        package var cpus: CPUSet
        package var package: Int?

        package init(osIndex: Int, memory: ByteCount, cpus: CPUSet, package: Int?) {
            self.osIndex = osIndex
            self.memory = memory
            self.cpus = cpus
            self.package = package
        }
    }

    /// A physical core and its hardware threads.
    package struct Core: Hashable, Codable, Sendable {
        package var cpus: CPUSet
        /// Logical index into `numaNodes`.
        package var numaNode: Int
        package var package: Int?

        package init(cpus: CPUSet, numaNode: Int, package: Int?) {
            self.cpus = cpus
            self.numaNode = numaNode
            self.package = package
        }
    }

    /// A cache and the processing units that share it.
    package struct Cache: Hashable, Codable, Sendable {
        package enum Kind: String, Codable, Sendable { case unified, data, instruction }

        package var level: Int
        package var kind: Kind
        package var size: ByteCount
        package var cpus: CPUSet

        package init(level: Int, kind: Kind, size: ByteCount, cpus: CPUSet) {
            self.level = level
            self.kind = kind
            self.size = size
            self.cpus = cpus
        }
    }

    /// Something on the PCI bus that matters for placement.
    package struct AttachedDevice: Hashable, Codable, Sendable {
        package enum Kind: String, Codable, Sendable {
            case gpu, coprocessor, network, infiniband, storage, other
        }

        package var kind: Kind
        package var name: String
        package var model: String
        /// `0000:3b:00.0`, or nil when the device is not on a PCI bus.
        package var pciAddress: String?
        /// Logical index into `numaNodes` of the closest node, when the machine says.
        package var numaNode: Int?

        package init(kind: Kind, name: String, model: String, pciAddress: String?, numaNode: Int?) {
            self.kind = kind
            self.name = name
            self.model = model
            self.pciAddress = pciAddress
            self.numaNode = numaNode
        }
    }
}

extension Topology {
    /// All processing units of the machine.
    package var cpus: CPUSet { cores.reduce(CPUSet()) { $0.union($1.cpus) } }

    /// The memory of all nodes together.
    package var memory: ByteCount { numaNodes.reduce(.zero) { $0 + $1.memory } }

    /// The cores of one node, as logical indexes into `cores`, in rising order.
    package func cores(onNode node: Int) -> [Int] {
        cores.indices.filter { cores[$0].numaNode == node }
    }

    /// The distance between two nodes; 10 for a node and itself and 20 otherwise when the machine does not say.
    package func distance(from: Int, to: Int) -> Int {
        guard from < distances.count, to < distances[from].count else { return from == to ? 10 : 20 }
        return distances[from][to]
    }
}
