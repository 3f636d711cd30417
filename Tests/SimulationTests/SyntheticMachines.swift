import Essentials
import HardwareTopology
import Scheduling
import TestSupport

/// A machine of equal nodes, built by hand so that a reader can count its cores.
func syntheticMachine(
    name: String = "m", nodes: Int, coresPerNode: Int, threads: Int = 1, memoryPerNode: ByteCount,
    gpus: Int = 0
) -> Machine {
    var cores: [Topology.Core] = []
    var caches: [Topology.Cache] = []
    var numaNodes: [Topology.NUMANode] = []
    for node in 0..<nodes {
        var cpus = CPUSet()
        for core in 0..<coresPerNode {
            let first = (node * coresPerNode + core) * threads
            let units = CPUSet(first..<first + threads)
            cores.append(.init(cpus: units, numaNode: node, package: nil))
            cpus = cpus.union(units)
        }
        caches.append(.init(level: 3, kind: .unified, size: .mebibytes(32), cpus: cpus))
        numaNodes.append(.init(osIndex: node, memory: memoryPerNode, cpus: cpus, package: nil))
    }
    let devices = (0..<gpus).map { index in
        Topology.AttachedDevice(
            kind: .gpu, name: "gpu\(index)", model: "G", pciAddress: nil, numaNode: index * nodes / gpus)
    }
    return Machine(
        topology: Topology(
            machineName: name, source: .synthetic(description: "by hand"), packages: [],
            numaNodes: numaNodes, cores: cores, caches: caches, devices: devices))
}

/// A small machine of random shape: even its nodes may differ.
func randomMachine(using random: inout SeededGenerator) -> Machine {
    let nodes = random.pick([1, 1, 2, 2, 4])
    var machine = syntheticMachine(
        nodes: nodes, coresPerNode: 1 + random.below(6), threads: 1 + random.below(2),
        memoryPerNode: .gibibytes(2 + random.below(15)), gpus: random.pick([0, 0, 1, 2, 3]))
    for node in 0..<nodes {
        machine.topology.numaNodes[node].memory += .gibibytes(random.below(3))
    }
    // Some processing units belong to others.
    for unit in machine.lendable.units.dropFirst() where random.below(8) == 0 {
        machine.lendable.remove(unit)
    }
    return machine
}
