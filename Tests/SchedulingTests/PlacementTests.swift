import Essentials
import HardwareTopology
import Scheduling
import TestSupport
import Testing

@Suite("Placement")
struct PlacementTests {
    @Test func `a job without wishes gets one core to itself`() throws {
        var cluster = Cluster(smallMachine(nodes: 1, coresPerNode: 2))

        cluster.submit(request())

        let rank = try #require(cluster.state.jobs[JobID(1)]?.placement?.ranks.first)
        #expect(rank.device == DeviceID(kind: "cpu", index: 0))
        #expect(rank.cpus == CPUSet([0]))
        #expect(rank.cores == .cores(1))
        #expect(rank.share == DeviceShare(units: 5000))
        #expect(rank.ownsItsCores)
        #expect(rank.cpuTime == 1)
    }

    @Test func `small jobs fill the fuller node and leave the empty one whole`() {
        var cluster = Cluster(smallMachine(nodes: 2, coresPerNode: 4))

        cluster.submit(request(cores: 2))
        cluster.submit(request(cores: 1))
        cluster.submit(request(cores: 4))

        #expect(cluster.cpus(of: 1) == [0, 1])
        #expect(cluster.cpus(of: 2) == [2])
        #expect(cluster.cpus(of: 3) == [4, 5, 6, 7])
    }

    @Test func `the spread policy takes the emptier node`() {
        var cluster = Cluster(
            smallMachine(nodes: 2, coresPerNode: 4), policy: SchedulingPolicy(placement: .spread))

        cluster.submit(request(cores: 1))
        cluster.submit(request(cores: 1))

        #expect([cluster.node(of: 1), cluster.node(of: 2)] == [0, 1])
    }

    @Test func `half of a node with eight cores is the time of four`() {
        var cluster = Cluster(smallMachine(nodes: 1, coresPerNode: 8))

        cluster.submit(request(share: 0.5))
        cluster.submit(request(share: 0.5))

        #expect(cluster.cpus(of: 1) == [0, 1, 2, 3])
        #expect(cluster.cpus(of: 2) == [4, 5, 6, 7])
        #expect(cluster.state.jobs[JobID(1)]?.placement?.ranks.first?.ownsItsCores == true)
    }

    @Test func `three thirds of a node with two cores run together, the last one on both cores`() throws {
        var cluster = Cluster(smallMachine(nodes: 1, coresPerNode: 2))

        for _ in 0..<3 { cluster.submit(request(share: 0.3333)) }

        #expect(cluster.running == [1, 2, 3])
        let last = try #require(cluster.state.jobs[JobID(3)]?.placement?.ranks.first)
        #expect(last.cpus == CPUSet([0, 1]))
        #expect(last.cores == CoreAmount(units: 6666))
        #expect(!last.ownsItsCores)
        #expect(abs(last.cpuTime - 0.6666) < 1e-12)
    }

    @Test func `fractions of cores lie on one core each, so three of 0.75 need three cores`() {
        var cluster = Cluster(smallMachine(nodes: 1, coresPerNode: 2))
        var wish = request()
        wish.resources.cores = .thousandths(750)

        for _ in 0..<3 { cluster.submit(wish) }

        #expect(cluster.running == [1, 2])
        #expect(
            cluster.reason(of: 3)
                == .coresBusy(needed: .thousandths(750), free: .thousandths(250), node: 0))
    }

    @Test func `a preferred node is taken when it has room, and a required one is waited for`() {
        var cluster = Cluster(smallMachine(nodes: 2, coresPerNode: 2))

        cluster.submit(request(cores: 2, numa: .preferred(1)))
        cluster.submit(request(cores: 2, numa: .preferred(1)))
        cluster.submit(request(cores: 1, numa: .required(1)))

        #expect(cluster.node(of: 1) == 1)
        #expect(cluster.node(of: 2) == 0)
        #expect(cluster.reason(of: 3) == .coresBusy(needed: .cores(1), free: .zero, node: 1))
    }

    @Test func `a job for a gpu lies on the node beside it`() {
        var cluster = Cluster(smallMachine(nodes: 2, coresPerNode: 4, gpusOn: [1]))

        cluster.submit(request(share: 0.5, kind: "gpu"))
        cluster.submit(request(share: 0.5, kind: "gpu"))
        cluster.submit(request(share: 0.5, kind: "gpu"))

        #expect([cluster.node(of: 1), cluster.node(of: 2)] == [1, 1])
        #expect(
            cluster.reason(of: 3)
                == .deviceBusy(kind: "gpu", needed: DeviceShare(units: 5000), free: .zero))
    }

    @Test func `shares of two gpus are never added up for one job`() {
        var cluster = Cluster(smallMachine(nodes: 1, coresPerNode: 8, gpusOn: [0, 0]))

        cluster.submit(request(share: 0.75, kind: "gpu"))
        cluster.submit(request(share: 0.75, kind: "gpu"))
        cluster.submit(request(share: 0.5, kind: "gpu"))

        #expect(cluster.running == [1, 2])
    }

    @Test func `a rank spans nodes only when no node could ever hold it`() throws {
        var cluster = Cluster(smallMachine(nodes: 2, coresPerNode: 4))

        cluster.submit(request(cores: 6, memory: .gibibytes(5), span: true))

        let rank = try #require(cluster.state.jobs[JobID(1)]?.placement?.ranks.first)
        #expect(rank.numaNodes == [0, 1])
        #expect(rank.cores == .cores(6))
        #expect(rank.memory == .gibibytes(5))
        cluster.submit(request(cores: 3, span: true))
        #expect(cluster.reason(of: 2) == .coresBusy(needed: .cores(3), free: .cores(2), node: 1))
    }

    @Test func `one rank per node lies on each node, and the decision says when nodes are too few`() throws {
        var two = Cluster(smallMachine(nodes: 2, coresPerNode: 2))
        var one = Cluster(smallMachine(nodes: 1, coresPerNode: 2))
        let pair = request(ranks: 2, spread: .perNUMANode)

        two.submit(pair)
        one.submit(pair)

        #expect(two.state.jobs[JobID(1)]?.placement?.numaNodes == [0, 1])
        #expect(two.state.jobs[JobID(1)]?.decision?.note == nil)
        #expect(one.cpus(of: 1) == [0, 1])
        #expect(
            one.state.jobs[JobID(1)]?.decision?.note
                == "2 ranks share 1 NUMA node, because there are no more.")
    }

    @Test func `packed ranks wait for one node with room for all of them`() {
        var cluster = Cluster(smallMachine(nodes: 2, coresPerNode: 4))
        cluster.submit(request(cores: 2, numa: .required(0)))
        cluster.submit(request(cores: 2, numa: .required(1)))

        cluster.submit(request(cores: 1, ranks: 4, spread: .packed))

        #expect(cluster.reason(of: 3) == .ranksBusy(needed: 4, fitting: 2))
    }

    @Test func `whole cores come from one cache when one has enough of them`() {
        var machine = smallMachine(nodes: 1, coresPerNode: 8)
        machine.topology.caches = [0..<4, 4..<8].map {
            .init(level: 3, kind: .unified, size: .mebibytes(16), cpus: CPUSet($0))
        }
        var cluster = Cluster(machine)

        cluster.submit(request(cores: 1))
        cluster.submit(request(cores: 4))

        #expect(cluster.cpus(of: 1) == [0])
        #expect(cluster.cpus(of: 2) == [4, 5, 6, 7])
    }

    @Test func `a submitter that may use only some units gets only those`() {
        var cluster = Cluster(smallMachine(nodes: 2, coresPerNode: 2))
        var wish = request(cores: 1)
        wish.resources.within = CPUSet([3])

        cluster.submit(wish)
        cluster.submit(wish)
        cluster.submit(request(cores: 2))

        #expect(cluster.cpus(of: 1) == [3])
        #expect(cluster.reason(of: 2) == .coresBusy(needed: .cores(1), free: .zero, node: 1))
        #expect(cluster.cpus(of: 3) == [0, 1])
        wish.resources.cores = .cores(2)
        #expect(
            cluster.state.firstError(wish)
                == .tooManyCores(.cores(2), most: .cores(1), place: .anyNode))
    }

    @Test func `the decision names the runner-up and the first thing that told them apart`() {
        var cluster = Cluster(smallMachine(nodes: 2, coresPerNode: 4))
        cluster.submit(request(cores: 3))

        cluster.submit(request(cores: 1))

        #expect(
            cluster.state.jobs[JobID(2)]?.decision?.description
                == "On node 0 before node 1: core time left, 1/10000 core is 0, against 30000.")
    }
}
