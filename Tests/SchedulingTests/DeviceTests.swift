import Essentials
import HardwareTopology
import Scheduling
import Testing

@Suite("Virtual devices")
struct DeviceTests {
    private func device(
        _ name: String, cores: Int = 1, memory: ByteCount = .gibibytes(1), template: String? = nil,
        quality: QualityOfService = .guaranteed
    ) -> NamedDeviceRequest {
        NamedDeviceRequest(
            name: name, amounts: .init(cores: .cores(cores), memory: memory), quality: quality,
            template: template)
    }

    /// Makes a device whose limits held when they were tried out.
    private func makeReady(_ request: NamedDeviceRequest, in cluster: inout Cluster) {
        cluster.on(.deviceMade(request))
        cluster.on(.deviceTested(request.name, DeviceTest(revision: 1, limits: [])))
    }

    private func on(_ choice: VirtualDeviceChoice) -> JobRequest {
        JobRequest(
            resources: ResourceRequest(virtualDevice: choice), label: JobLabel(user: "u", command: ["c"]))
    }

    @Test func `several sizes share a node up to its end, and more is refused`() {
        var cluster = Cluster(smallMachine(nodes: 1, coresPerNode: 4))
        #expect(cluster.on(.deviceMade(device("a", cores: 2))) == [.test("a")])
        #expect(cluster.on(.deviceMade(device("b", cores: 1))) == [.test("b")])

        let refused = cluster.on(.deviceMade(device("c", cores: 2)))
        guard case .refused(.noRoomForDevice)? = refused.first else {
            Issue.record("\(refused)")
            return
        }
        #expect(cluster.on(.deviceMade(device("a"))) == [.refused(.virtualDeviceExists("a"))])
        #expect(cluster.on(.deviceMade(device("../x"))) == [.refused(.badName("../x"))])
    }

    @Test func `a node that is divided is not offered whole`() {
        var cluster = Cluster(smallMachine(nodes: 1, coresPerNode: 4))
        cluster.on(.deviceMade(device("a")))

        cluster.submit(request(cores: 4))

        #expect(cluster.running.isEmpty)
        #expect(cluster.reason(of: 1) == .coresBusy(needed: .cores(4), free: .cores(3), node: 0))
        cluster.on(.deviceDeleted("a"))
        #expect(cluster.running == [1])
    }

    @Test func `a device has one job at a time, and takes the next when that has ended`() {
        var cluster = Cluster(smallMachine(nodes: 1, coresPerNode: 4))
        makeReady(device("a"), in: &cluster)
        cluster.submit(on(.named("a")))
        cluster.submit(on(.named("a")))

        #expect(cluster.running == [1])
        #expect(cluster.reason(of: 2) == .virtualDeviceBusy(.named("a")))
        #expect(cluster.on(.deviceDeleted("a")) == [.ignored(.deviceBusy("a"))])
        _ = cluster.exit(1, at: 1)
        #expect(cluster.running == [2])
        #expect(cluster.state.jobs[JobID(2)]?.placement?.ranks.first?.cores == .cores(1))
    }

    @Test func `any device of a template will do`() {
        var cluster = Cluster(smallMachine(nodes: 1, coresPerNode: 4))
        makeReady(device("a", template: "quarter"), in: &cluster)
        makeReady(device("b", template: "quarter"), in: &cluster)

        for _ in 0..<3 { cluster.submit(on(.template("quarter"))) }

        #expect(cluster.running == [1, 2])
        #expect(
            cluster.on(.submitted(on(.template("half"))))
                == [.refused(.unknownVirtualDevice(.template("half"), known: ["quarter"]))])
    }

    @Test func `a device is resized while its job runs, and only as far as there is room`() {
        var cluster = Cluster(smallMachine(nodes: 1, coresPerNode: 4))
        makeReady(device("a"), in: &cluster)
        cluster.submit(on(.named("a")))

        let actions = cluster.on(.deviceResized("a", .init(cores: .cores(3), memory: .gibibytes(2))))
        guard case .resize(JobID(1), attempt: 1, let placement)? = actions.first else {
            Issue.record("\(actions)")
            return
        }
        #expect(placement.cores == .cores(3))
        #expect(placement.memory == .gibibytes(2))
        #expect(cluster.state.jobs[JobID(1)]?.placement == placement)
        cluster.submit(request(cores: 1))
        let refused = cluster.on(.deviceResized("a", .init(cores: .cores(4), memory: .gibibytes(2))))
        guard case .refused(.noRoomForDevice)? = refused.first else {
            Issue.record("\(refused)")
            return
        }
        #expect(cluster.state.devices.first?.device.cores == .cores(3))
    }

    @Test func `a device takes no job before its limits have been tried out`() {
        var cluster = Cluster(smallMachine(nodes: 1, coresPerNode: 4))
        cluster.on(.deviceMade(device("a")))
        cluster.submit(on(.named("a")))
        #expect(cluster.running.isEmpty)
        #expect(cluster.reason(of: 1) == .virtualDeviceUntried("a"))

        // A test of another size says nothing.
        cluster.on(.deviceTested("a", DeviceTest(revision: 2, limits: [])))
        #expect(cluster.running.isEmpty)
        cluster.on(.deviceTested("a", DeviceTest(revision: 1, limits: [])))

        #expect(cluster.running == [1])
    }

    @Test func `a device that was resized under its job is tried out before the next one`() {
        var cluster = Cluster(smallMachine(nodes: 1, coresPerNode: 4))
        makeReady(device("a"), in: &cluster)
        cluster.submit(on(.named("a")))
        cluster.submit(on(.named("a")))
        cluster.on(.deviceResized("a", .init(cores: .cores(2), memory: .gibibytes(1))))

        #expect(cluster.exit(1, at: 1).contains(.test("a")))
        #expect(cluster.running.isEmpty)
        cluster.on(.deviceTested("a", DeviceTest(revision: 2, limits: [])))
        #expect(cluster.running == [2])
        // One that was not resized needs no test after its job.
        #expect(!cluster.exit(2, at: 2).contains(.test("a")))
    }

    @Test func `a device that is deleted is deleted on its machine too`() {
        var cluster = Cluster(smallMachine(nodes: 1, coresPerNode: 4))
        makeReady(device("a"), in: &cluster)

        #expect(cluster.on(.deviceDeleted("a")) == [.deleteDevice("a", machine: "m")])
        #expect(cluster.on(.deviceDeleted("a")) == [.ignored(.unknownDevice("a"))])
    }

    @Test func `a device whose limits did not hold gets no jobs`() {
        var cluster = Cluster(smallMachine(nodes: 1, coresPerNode: 4))
        cluster.on(.deviceMade(device("a")))
        let limit = DeviceTest.Limit(
            name: "memory", strength: .hard, asked: 1, measured: 2, unit: "GiB", isHeld: false, means: "")
        cluster.on(.deviceTested("a", DeviceTest(revision: 1, limits: [limit])))

        cluster.submit(on(.named("a")))

        #expect(cluster.running.isEmpty)
        #expect(cluster.reason(of: 1)?.description.contains("did not hold") == true)
    }

    @Test func `best-effort devices are lent beyond the whole, as often as the machine allows`() {
        var machine = smallMachine(nodes: 1, coresPerNode: 2)
        machine.oversubscription = 2
        var cluster = Cluster(machine)
        cluster.submit(request(cores: 2))

        for name in ["a", "b", "c", "d"] {
            #expect(cluster.on(.deviceMade(device(name, quality: .bestEffort))) == [.test(name)])
        }
        let fifth = cluster.on(.deviceMade(device("e", quality: .bestEffort)))

        #expect(cluster.running == [1])
        guard case .refused = fifth.first else {
            Issue.record("\(fifth)")
            return
        }
    }

    @Test func `hard isolation is refused where only soft limits exist`() {
        var machine = smallMachine(nodes: 1, coresPerNode: 2)
        machine.enforcement = ["compute": .hard, "memory": .soft]
        let cluster = Cluster(machine)
        var strict = request()
        strict.resources.isolation = .hard

        #expect(
            cluster.state.firstError(strict)?.summary
                == "No machine takes such a job: m holds the limit on memory only soft.")
    }
}

@Suite("Machines and their health")
struct HealthTests {
    private func two() -> Cluster {
        var cluster = Cluster(smallMachine(nodes: 1, coresPerNode: 1))
        var other = smallMachine(nodes: 1, coresPerNode: 1)
        other.topology.machineName = "n"
        cluster.on(.machineJoined(other))
        return cluster
    }

    @Test func `a drained machine gets no new work and keeps what it has`() {
        var cluster = two()
        cluster.submit(request())
        cluster.on(.drained("m", why: "new disks"))
        cluster.submit(request())
        cluster.submit(request())

        #expect(cluster.running == [1, 2])
        #expect(cluster.state.jobs[JobID(2)]?.placement?.machine == "n")
        cluster.on(.drained("n", why: "new disks"))
        #expect(cluster.reason(of: 3) == .machinesClosed("m: drained: new disks"))
        cluster.on(.undrained("n"))
        _ = cluster.exit(2, at: 1)
        #expect(cluster.running == [1, 3])
    }

    @Test(arguments: HealthLevel.allCases) func `a level decides about what runs`(level: HealthLevel) {
        var cluster = two()
        cluster.submit(request())

        let actions = cluster.on(.healthChanged(MachinePart(machine: "m"), level, why: "x"))

        let isStopped = actions.contains { action in
            if case .stop(JobID(1), 1, .fault(_, returns: true)) = action { true } else { false }
        }
        #expect(isStopped == level.movesJobs)
    }

    @Test(arguments: HealthLevel.allCases) func `a level decides about new work`(level: HealthLevel) {
        var cluster = Cluster(smallMachine(nodes: 1, coresPerNode: 1))
        cluster.on(.healthChanged(MachinePart(machine: "m"), level, why: "x"))

        cluster.submit(request())

        // A part that is idle is reset at once, and takes no work until that is done.
        #expect(cluster.running == (level.takesNewWork ? [1] : []))
    }

    @Test func `a part is reset when nothing runs there any more`() {
        var cluster = two()
        cluster.submit(request())
        let part = MachinePart(machine: "m")
        let reset = Action.reset(part, why: "hot")
        #expect(!cluster.on(.healthChanged(part, .resetWhenIdle, why: "hot")).contains(reset))

        #expect(cluster.exit(1, at: 1).contains(reset))
        #expect(cluster.state.unfinishedResets(on: "m") == [reset])
    }

    @Test func `a reset makes a part healthy, or leaves it isolated with the reason`() {
        var cluster = Cluster(smallMachine(nodes: 1, coresPerNode: 1))
        let part = MachinePart(machine: "m", device: DeviceID(kind: "cpu", index: 0))
        cluster.submit(request())
        #expect(cluster.running == [1])
        let stopped = cluster.on(.healthChanged(part, .resetNow, why: "hot"))
        #expect(!stopped.contains(.reset(part, why: "hot")))
        #expect(cluster.exit(1, at: 1).contains(.reset(part, why: "hot")))
        #expect(cluster.running.isEmpty)

        cluster.on(.resetEnded(part, failure: "no tool"))
        #expect(cluster.running.isEmpty)
        let fault = cluster.state.status.first?.faults.first
        #expect(fault?.level == .isolated)
        #expect(fault?.why == "hot; it could not be reset: no tool")
        #expect(cluster.state.unfinishedResets(on: "m").isEmpty)

        #expect(
            cluster.on(.healthChanged(part, .resetNow, why: "again")).contains(.reset(part, why: "again")))
        cluster.on(.resetEnded(part, failure: nil))
        #expect(cluster.state.status.first?.faults.isEmpty == true)
    }

    @Test func `an operator's word during a reset outranks what comes of it`() {
        var cluster = Cluster(smallMachine(nodes: 1, coresPerNode: 1))
        let part = MachinePart(machine: "m")
        cluster.on(.healthChanged(part, .resetNow, why: "hot"))
        cluster.on(.healthChanged(part, .isolated, why: "it smokes"))

        #expect(cluster.on(.resetEnded(part, failure: nil)) == [.ignored(.notBeingReset(part))])
        #expect(cluster.state.status.first?.faults.first?.why == "it smokes")
        let unknown = MachinePart(machine: "m", device: DeviceID(kind: "gpu", index: 7))
        #expect(cluster.on(.healthChanged(unknown, .isolated, why: "")) == [.ignored(.unknownPart(unknown))])
    }
}
