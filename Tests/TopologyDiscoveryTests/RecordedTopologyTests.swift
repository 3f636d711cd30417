import CHwloc
import Essentials
import HardwareTopology
import TestSupport
import Testing
import TopologyDiscovery

/// A file of Tests/Fixtures/topologies and what it must hold.
struct RecordedMachine: CustomTestStringConvertible, Sendable {
    var file: String
    var packages: Int
    var nodes: Int
    var cores: Int
    var threads: Int
    var testDescription: String { file }
    var path: String { fixturePath("topologies/\(file).xml") }

    static let all = [
        RecordedMachine(file: "recorded-vm-1node", packages: 1, nodes: 1, cores: 2, threads: 2),
        RecordedMachine(
            file: "constructed-2socket-64core-2gpu", packages: 2, nodes: 2, cores: 64, threads: 128),
        RecordedMachine(file: "constructed-zen3-64core-nps4", packages: 1, nodes: 4, cores: 64, threads: 128),
        RecordedMachine(
            file: "constructed-arm-2socket-4node", packages: 2, nodes: 4, cores: 128, threads: 128),
    ]
}

@Suite("Recorded topologies")
struct RecordedTopologyTests {
    @Test(arguments: RecordedMachine.all)
    func `a recorded machine has its packages, nodes, cores and threads`(machine: RecordedMachine) throws {
        let topology = try Topology(xmlFile: machine.path)

        #expect(topology.packages.count == machine.packages)
        #expect(topology.numaNodes.count == machine.nodes)
        #expect(topology.cores.count == machine.cores)
        #expect(topology.cpus == CPUSet(0..<machine.threads))
        #expect(topology.machineName == machine.file)
        #expect(topology.source == .xml(file: machine.path))
        expectConsistent(topology)
    }

    @Test(arguments: RecordedMachine.all)
    func `our reader and hwloc's agree on a machine`(machine: RecordedMachine) throws {
        let topology = try Topology(xmlFile: machine.path)
        let hwloc = try #require(HwlocReading(file: machine.path))

        #expect(topology.packages.map(\.cpus) == hwloc.cpus(of: HWLOC_OBJ_PACKAGE))
        #expect(topology.cores.map(\.cpus) == hwloc.cpus(of: HWLOC_OBJ_CORE))
        #expect(topology.numaNodes.map(\.cpus) == hwloc.cpus(of: HWLOC_OBJ_NUMANODE))
        #expect(topology.numaNodes.map(\.memory) == hwloc.nodeMemory())
        for (level, kind) in [(3, HWLOC_OBJ_L3CACHE), (2, HWLOC_OBJ_L2CACHE)] {
            #expect(topology.caches.filter { $0.level == level }.map(\.cpus) == hwloc.cpus(of: kind))
        }
    }

    @Test func `devices belong to the node they hang from, and management screens are none`() throws {
        let topology = try Topology(xmlFile: fixturePath("topologies/constructed-2socket-64core-2gpu.xml"))

        let gpus = topology.devices.filter { $0.kind == .gpu }
        #expect(gpus.map(\.pciAddress) == ["0000:17:00.0", "0000:ca:00.0"])
        #expect(gpus.map(\.numaNode) == [0, 1])
        #expect(gpus.map(\.model) == ["10de:20b5", "10de:20b5"])
        #expect(topology.devices.map(\.name).contains("card0") == false)
        #expect(
            topology.devices.filter { $0.numaNode == 0 }.map(\.kind) == [
                .gpu, .network, .infiniband, .storage,
            ])
    }

    @Test func `distances come in the order of the nodes`() throws {
        let topology = try Topology(xmlFile: fixturePath("topologies/constructed-arm-2socket-4node.xml"))

        #expect(
            topology.distances == [
                [10, 12, 20, 22], [12, 10, 22, 24], [20, 22, 10, 12], [22, 24, 12, 10],
            ])
    }

    @Test func `hardware threads of one core keep the numbers of the operating system`() throws {
        let topology = try Topology(xmlFile: fixturePath("topologies/constructed-zen3-64core-nps4.xml"))

        #expect(topology.cores[0].cpus == CPUSet([0, 64]))
        #expect(topology.numaNodes[3].cpus == CPUSet(Array(48..<64) + Array(112..<128)))
        #expect(topology.packages[0].model == "AMD EPYC 7763 64-Core Processor")
    }
}

/// What must hold for every topology, wherever it came from.
func expectConsistent(_ topology: Topology, sourceLocation: SourceLocation = #_sourceLocation) {
    let cpus = topology.cpus
    let nodes = topology.numaNodes
    #expect(topology.cores.allSatisfy { !$0.cpus.isEmpty && nodes.indices.contains($0.numaNode) })
    #expect(
        topology.cores.reduce(0) { $0 + $1.cpus.count } == cpus.count, "a unit is in two cores",
        sourceLocation: sourceLocation)
    #expect(
        nodes.reduce(0) { $0 + $1.cpus.count } == cpus.count, "a unit is not in exactly one node",
        sourceLocation: sourceLocation)
    for core in topology.cores {
        #expect(core.cpus.isSubset(of: nodes[core.numaNode].cpus), sourceLocation: sourceLocation)
        #expect(core.package.map(topology.packages.indices.contains) ?? true, sourceLocation: sourceLocation)
    }
    #expect(topology.caches.allSatisfy { !$0.cpus.isEmpty && $0.cpus.isSubset(of: cpus) })
    #expect(topology.devices.allSatisfy { $0.numaNode.map(nodes.indices.contains) ?? true })
    #expect(topology.distances.isEmpty || topology.distances.count == nodes.count)
    #expect(topology.distances.allSatisfy { $0.count == nodes.count })
    #expect(topology.memory >= .zero)
}

/// The same file through hwloc's own reader, to compare with ours.
@safe final class HwlocReading {
    private let raw: hwloc_topology_t

    init?(file: String) {
        var raw: hwloc_topology_t?
        guard unsafe hwloc_topology_init(&raw) == 0, let raw = unsafe raw else { return nil }
        unsafe self.raw = raw
        guard unsafe hwloc_topology_set_xml(raw, file) == 0, unsafe hwloc_topology_load(raw) == 0 else {
            return nil
        }
    }

    deinit { unsafe hwloc_topology_destroy(raw) }

    private func count(_ kind: hwloc_obj_type_t) -> UInt32 {
        UInt32(max(0, unsafe hwloc_get_nbobjs_by_type(raw, kind)))
    }

    func cpus(of kind: hwloc_obj_type_t) -> [CPUSet] {
        (0..<count(kind)).compactMap { index in
            guard let object = unsafe hwloc_get_obj_by_type(raw, kind, index) else { return nil }
            return CPUSet(
                (0..<8192).filter { unsafe hwloc_bitmap_isset(object.pointee.cpuset, UInt32($0)) != 0 })
        }
    }

    func nodeMemory() -> [ByteCount] {
        (0..<count(HWLOC_OBJ_NUMANODE)).compactMap { index in
            guard let object = unsafe hwloc_get_obj_by_type(raw, HWLOC_OBJ_NUMANODE, index) else {
                return nil
            }
            return unsafe ByteCount(bytes: Int(object.pointee.attr.pointee.numanode.local_memory))
        }
    }
}
