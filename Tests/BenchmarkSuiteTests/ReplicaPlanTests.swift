import BenchmarkSuite
import Essentials
import HardwareTopology
import Scheduling
import TestSupport
import Testing
import TopologyDiscovery

@Suite("Replica plan")
struct ReplicaPlanTests {
    @Test func `a machine of one node is divided into two parts, and says so`() throws {
        let topology = try Topology.load(from: fixturePath("topologies/recorded-vm-1node.xml"))
        let plan = ReplicaPlan(topology, allowed: topology.cpus)

        #expect(plan.ranks == 2)
        #expect(plan.coresPerRank == topology.cores.count / 2)
        #expect(plan.spread == .perVirtualDevice)
        #expect(plan.shareOfNode == 0.5)
        #expect(plan.note.contains("one NUMA node is usable here"))
    }

    @Test func `a machine of several nodes has one part on each`() throws {
        let topology = try Topology.load(from: fixturePath("topologies/constructed-zen3-64core-nps4.xml"))
        let plan = ReplicaPlan(topology, allowed: topology.cpus)

        #expect(plan.ranks == topology.numaNodes.count)
        #expect(plan.ranks > 1)
        #expect(plan.spread == .perNUMANode)
        #expect(plan.shareOfNode == 1)
    }

    @Test(arguments: propertySeeds) func `parts are disjoint, allowed, and alike`(seed: UInt64) throws {
        var random = SeededGenerator(seed: seed, purpose: "replica plan")
        let nodes = 1 + random.below(4)
        let cores = 1 + random.below(8)
        let topology = try Topology.load(
            from: "synthetic:numa:\(nodes) core:\(cores) pu:\(1 + random.below(2))")
        // One processing unit at least, and others by chance: also single threads of a core.
        let units = topology.cpus.units
        let allowed = CPUSet([random.pick(units)]).union(CPUSet(units.filter { _ in random.below(3) > 0 }))
        let keep = topology.cores.filter { !$0.cpus.isDisjoint(with: allowed) }

        let plan = ReplicaPlan(topology, allowed: allowed)

        #expect(plan.ranks == plan.lent.count)
        #expect(plan.ranks * plan.coresPerRank <= keep.count)
        #expect(plan.coresPerRank >= 1)
        #expect(plan.shareOfNode > 0 && plan.shareOfNode <= 1)
        var seen = CPUSet()
        for part in plan.lent {
            #expect(part.cpus.isSubset(of: allowed))
            #expect(seen.isDisjoint(with: part.cpus))
            seen = seen.union(part.cpus)
        }
    }
}
