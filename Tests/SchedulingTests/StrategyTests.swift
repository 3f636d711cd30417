import Essentials
import HardwareTopology
import Scheduling
import Testing

/// Each strategy by its name, on a machine that a reader can count.
@Suite("Strategies")
struct StrategyTests {
    /// One machine with one node, and one queue.
    static func cluster(_ queue: Queue, cores: Int = 1) -> Cluster {
        var cluster = Cluster(smallMachine(nodes: 1, coresPerNode: cores))
        cluster.on(.queueSet(queue))
        return cluster
    }

    /// The order in which jobs run when each ends after a second.
    static func order(_ cluster: inout Cluster, from second: Int = 1, count: Int) -> [Int] {
        var order: [Int] = []
        for step in 0..<count {
            guard let job = cluster.running.first else { break }
            order.append(job)
            _ = cluster.exit(job, at: second + step)
        }
        return order
    }

    @Test func `first come, first served does not look at priority`() {
        var cluster = Self.cluster(Queue(name: "q", order: .fifo))
        for priority in [0, 1, 9] { cluster.submit(queued("q", priority: priority)) }

        #expect(Self.order(&cluster, count: 3) == [1, 2, 3])
    }

    @Test func `priority grows with age, so that nobody waits for ever`() {
        var cluster = Self.cluster(Queue(name: "q", order: .priority, ageing: 10))
        cluster.submit(queued("q"))
        cluster.submit(queued("q", priority: 0), at: 0)
        // Nine points of priority are worth 54 minutes of waiting.
        cluster.submit(queued("q", priority: 9), at: 53 * 60)
        cluster.submit(queued("q", priority: 9), at: 55 * 60)

        #expect(Self.order(&cluster, from: 3400, count: 4) == [1, 3, 2, 4])
    }

    @Test func `the nearest deadline goes first`() {
        var cluster = Self.cluster(Queue(name: "q", order: .deadline))
        cluster.submit(queued("q"))
        for second in [500, 300, 400] {
            var request = queued("q")
            request.timing.deadline = .zero + .seconds(second)
            cluster.submit(request)
        }

        #expect(Self.order(&cluster, count: 4) == [1, 3, 4, 2])
    }

    @Test func `fair share gives each account its turn, in proportion to its shares`() {
        var cluster = Self.cluster(Queue(name: "q", order: .fairShare), cores: 1)
        cluster.on(.quotaSet(account: "b", AccountSettings(shares: 3)))
        for _ in 0..<40 { cluster.submit(queued("q", user: "a")) }
        for _ in 0..<40 { cluster.submit(queued("q", user: "b")) }

        var ran: [String: Int] = [:]
        for step in 0..<40 {
            guard let job = cluster.running.first else { break }
            ran[cluster.state.jobs[JobID(job)]?.request.label.user ?? "", default: 0] += 1
            _ = cluster.exit(job, at: 100 * (step + 1))
        }

        #expect((9...11).contains(ran["a"] ?? 0))
        #expect((29...31).contains(ran["b"] ?? 0))
    }

    @Test func `packing fills the fuller node, spreading the emptier machine`() {
        func second(_ placement: PlacementPolicyName) -> String {
            var cluster = Cluster(named("a"))
            cluster.on(.machineJoined(named("b")))
            cluster.on(.queueSet(Queue(name: "q", placement: placement)))
            cluster.submit(queued("q"))
            cluster.submit(queued("q"))
            return cluster.state.jobs[JobID(2)]?.placement?.machine ?? ""
        }

        #expect(second(.bestFit) == "a")
        #expect(second(.spread) == "b")
    }

    @Test func `affinity lays ranks on nodes that are near to each other`() {
        var machine = smallMachine(nodes: 3, coresPerNode: 2)
        // Node 2 is nearer to node 0 than node 1 is.
        machine.topology.distances = [[10, 40, 16], [40, 10, 30], [16, 30, 10]]
        var cluster = Cluster(machine)
        cluster.on(.queueSet(Queue(name: "q", placement: .affinity)))
        var request = queued("q")
        request.resources.cores = .cores(2)
        request.resources.ranks = 2
        cluster.submit(request)

        #expect(cluster.state.jobs[JobID(1)]?.placement?.numaNodes == [0, 2])
    }

    @Test func `measured speed decides after ten samples that agree, and is shown`() {
        func cluster(samples: Int, spread: Int) -> Cluster {
            var cluster = Cluster(named("a", model: "slow"))
            cluster.on(.machineJoined(named("b", model: "fast")))
            cluster.on(.queueSet(Queue(name: "q", placement: .fastestFinish)))
            for index in 0..<samples {
                let noise = Duration.milliseconds(index % 2 == 0 ? spread : -spread)
                cluster.on(
                    .speedMeasured(.init(workload: "w", device: "slow/1 core", duration: .seconds(9) + noise))
                )
                cluster.on(
                    .speedMeasured(.init(workload: "w", device: "fast/1 core", duration: .seconds(3) + noise))
                )
            }
            var request = queued("q")
            request.workload = "w"
            cluster.submit(request)
            return cluster
        }

        let trusted = cluster(samples: 10, spread: 100).state.jobs[JobID(1)]
        #expect(trusted?.placement?.machine == "b")
        #expect(
            trusted?.decision?.description
                == "On node 0 before node 0: measured time, ms is 3000, against 9000.")
        #expect(cluster(samples: 9, spread: 100).state.jobs[JobID(1)]?.placement?.machine == "a")
        #expect(cluster(samples: 10, spread: 2900).state.jobs[JobID(1)]?.placement?.machine == "a")
    }

    @Test func `speeds are learned from jobs that completed`() {
        var cluster = Cluster(named("a", model: "x"))
        var request = queued(nil)
        request.workload = "w"
        for round in 0..<10 {
            cluster.submit(request, at: round * 10)
            cluster.on(.started(JobID(round + 1), attempt: 1), at: round * 10 + 1)
            _ = cluster.exit(round + 1, at: round * 10 + 5)
        }

        #expect(cluster.state.speeds.seconds(of: "w", on: "x/1 core") == 4)
    }

    @Test func `a queue of a higher tier goes first and takes what a lower one would reserve`() {
        var cluster = Self.cluster(Queue(name: "high", tier: 1))
        cluster.submit(queued(nil))
        cluster.submit(queued(nil))
        cluster.submit(queued("high"))

        #expect(Self.order(&cluster, count: 3) == [1, 3, 2])
    }

    @Test func `a quota holds back its user and nobody else`() {
        var limits = QueueLimits()
        limits.perUser.cores = .cores(1)
        var cluster = Self.cluster(Queue(name: "q", limits: limits), cores: 3)
        cluster.submit(queued("q", user: "a"))
        cluster.submit(queued("q", user: "a"))
        cluster.submit(queued("q", user: "b"))

        #expect(cluster.running == [1, 3])
        #expect(
            cluster.reason(of: 2)
                == .quota(
                    QuotaName(.cores, of: .user("a", queue: "q")), used: CoreAmount.cores(1).units,
                    limit: CoreAmount.cores(1).units))
    }

    private func named(_ name: String, model: String = "M") -> Machine {
        var machine = smallMachine(nodes: 1, coresPerNode: 4)
        machine.topology.machineName = name
        machine.topology.packages = [.init(model: model, cpus: CPUSet(0..<4))]
        return machine
    }
}

func queued(_ queue: String?, user: String = "u", priority: Int = 0) -> JobRequest {
    JobRequest(
        resources: ResourceRequest(cores: .cores(1)), priority: priority,
        label: JobLabel(user: user, command: ["job"]), queue: queue)
}
