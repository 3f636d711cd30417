import Essentials
import HardwareTopology
import Testing

@Suite("Topology as a value")
struct TopologyTests {
    @Test func `distances that the machine does not give are 10 local and 20 remote`() {
        let topology = Topology(
            machineName: "m", source: .live, packages: [],
            numaNodes: [0, 1].map {
                .init(osIndex: $0, memory: .gibibytes(4), cpus: CPUSet([$0]), package: nil)
            },
            cores: [0, 1].map { .init(cpus: CPUSet([$0]), numaNode: $0, package: nil) })

        #expect(topology.distance(from: 0, to: 0) == 10)
        #expect(topology.distance(from: 0, to: 1) == 20)
        #expect(topology.cpus == CPUSet([0, 1]))
        #expect(topology.memory == .gibibytes(8))
        #expect(topology.cores(onNode: 1) == [1])
    }
}
