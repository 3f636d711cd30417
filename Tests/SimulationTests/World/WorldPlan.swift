import Essentials
import HardwareTopology
import Scheduling
import TestSupport

/// What happens in a world by itself: its machines and queues, what clients and operators ask, and what goes wrong.
struct WorldPlan {
    var policy: SchedulingPolicy
    var machines: [Machine] = []
    var queues: [Queue] = []
    var accounts: [(String, AccountSettings)] = []
    var happenings: [(TimePoint, World.Happening)] = []
    private let seed: UInt64
    private var submitted = 0

    /// From then on nothing goes wrong any more, so that everything can come to its end.
    private static let calm = Duration.seconds(400)

    init(seed: UInt64, using random: inout SeededGenerator) {
        self.seed = seed
        policy = SchedulingPolicy(
            queue: random.below(6) == 0 ? .strictOrder : .easyBackfill,
            placement: random.pick([.bestFit, .spread, .affinity, .fastestFinish]),
            endedJobsKept: random.pick([.max, .max, 20]), classesPerRound: random.pick([1000, 1000, 2, 5]),
            halfLife: .seconds(60))
        makeMachines(using: &random)
        makeQueues(using: &random)
        makeRequests(using: &random)
        if seed % 5 != 0 { makeTroubles(using: &random) }
        calmDown()
    }

    /// How long an attempt of a job would run.
    func runTime(of job: JobID) -> Duration {
        var random = SeededGenerator(seed: seed &+ UInt64(job.number), purpose: "run time")
        return .milliseconds(100 + Int(random.exponential(rate: 1) * 6000))
    }

    private mutating func add(_ happening: World.Happening, atMilliseconds time: Int) {
        happenings.append((.zero + .milliseconds(time), happening))
    }

    private mutating func makeMachines(using random: inout SeededGenerator) {
        for index in 0..<random.pick([1, 1, 2, 3]) {
            var machine = randomMachine(using: &random)
            machine.topology.machineName = "m\(index)"
            machine.machineClass = random.pick([.cloud, .cloud, .edge])
            machine.oversubscription = random.below(4)
            let strength: EnforcementStrength = random.pick([.hard, .soft])
            machine.enforcement = ["compute": strength, "memory": strength]
            for device in 0..<machine.topology.devices.count {
                machine.deviceMemory[DeviceID(kind: "gpu", index: device)] = .gibibytes(16)
            }
            machines.append(machine)
        }
    }

    private mutating func makeQueues(using random: inout SeededGenerator) {
        for index in 0..<random.below(3) {
            var limits = QueueLimits()
            if random.below(3) == 0 { limits.total.runningJobs = 1 + random.below(4) }
            if random.below(3) == 0 { limits.perUser.cores = .cores(1 + random.below(4)) }
            if random.below(4) == 0 { limits.perUser.memory = .gibibytes(1 + random.below(6)) }
            if random.below(4) == 0 { limits.defaultTimeLimit = .seconds(10) }
            if random.below(6) == 0 { limits.jobsPerUser = 5 + random.below(20) }
            queues.append(
                Queue(
                    name: "q\(index)", tier: random.below(3), order: random.pick(OrderPolicyName.allCases),
                    backfill: random.below(5) == 0 ? .strictOrder : .easyBackfill,
                    placement: random.pick(PlacementPolicyName.allCases),
                    ageing: random.pick([0, 0, 10, 1000]),
                    preemption: Preemption(
                        mode: random.pick(Preemption.Mode.allCases), grace: .seconds(2),
                        minimumRun: .seconds(random.below(4))), limits: limits))
        }
        for index in 0..<random.below(3) {
            var quota = Quota()
            if random.below(2) == 0 { quota.runningJobs = 1 + random.below(5) }
            accounts.append(("u\(index)", AccountSettings(shares: 1 + random.below(5), quota: quota)))
        }
    }

    private mutating func makeRequests(using random: inout SeededGenerator) {
        var time = 0
        for _ in 0..<(10 + random.below(30)) {
            time += Int(random.exponential(rate: 1) * 3000)
            let request = randomRequest(at: time, using: &random)
            submitted += request.array?.count ?? 1
            add(.ask(.submitted(request)), atMilliseconds: time)
            interfere(after: time, using: &random)
        }
        for name in ["v0", "v1"] where random.below(3) == 0 { makeDevice(name, using: &random) }
    }

    private mutating func randomRequest(at time: Int, using random: inout SeededGenerator) -> JobRequest {
        var request = JobRequest(
            resources: randomResources(for: random.pick(machines), using: &random),
            timeLimit: random.below(3) == 0 ? nil : .milliseconds(500 + random.below(20_000)),
            priority: random.below(3),
            label: JobLabel(user: "u\(random.below(3))", name: "j\(random.below(6))", command: ["job"]))
        if !queues.isEmpty, random.below(2) == 0 { request.queue = random.pick(queues).name }
        if random.below(6) == 0 {
            request.array = ArrayRequest(
                indices: [0...random.below(6)], step: 1 + random.below(2),
                limit: random.below(2) == 0 ? 1 + random.below(2) : nil)
        }
        let start = TimePoint.zero + .milliseconds(time)
        if random.below(8) == 0 { request.timing.begin = start + .milliseconds(random.below(20_000)) }
        if random.below(8) == 0 {
            request.timing.deadline = start + .milliseconds(5000 + random.below(60_000))
        }
        if submitted > 0, random.below(4) == 0 {
            let kind = random.pick(Dependency.Kind.allCases)
            let jobs = kind == .singleton ? [] : [JobID(1 + random.below(submitted))]
            request.dependencies = [Dependency(kind, jobs)]
        }
        request.rerun = RerunPolicy(
            mayRequeue: random.below(4) > 0, retries: random.below(3), backoff: .milliseconds(500))
        request.isHeld = random.below(15) == 0
        if random.below(5) == 0 { request.workload = "w\(random.below(2))" }
        return request
    }

    private func randomResources(for machine: Machine, using random: inout SeededGenerator) -> ResourceRequest
    {
        var resources = randomRequestResources(for: machine, using: &random)
        resources.within = nil
        if random.below(10) == 0 { resources.isExclusive = true }
        if random.below(8) == 0 { resources.quality = .bestEffort }
        if random.below(10) == 0 { resources.isolation = .hard }
        if random.below(8) == 0 { resources.machines = [machine.name] }
        if random.below(12) == 0 { resources.machineClass = random.pick([.cloud, .edge]) }
        if resources.ranks > 1, random.below(3) == 0 { resources.spread = .acrossMachines }
        if resources.deviceKind == "gpu", random.below(3) == 0 {
            resources.deviceMemory = .gibibytes(4 + random.below(10))
        }
        if random.below(12) == 0 {
            resources = ResourceRequest(
                virtualDevice: random.below(2) == 0 ? .named("v\(random.below(2))") : .template("half"))
        }
        return resources
    }

    /// What clients do to jobs that they or others have submitted.
    private mutating func interfere(after time: Int, using random: inout SeededGenerator) {
        let job = JobID(1 + random.below(max(1, submitted)))
        let when = time + random.below(25_000)
        switch random.below(24) {
        case 0: add(.ask(.cancelRequested(job)), atMilliseconds: when)
        case 1: add(.ask(.requeueRequested(job)), atMilliseconds: when)
        case 2:
            add(.ask(.held(job)), atMilliseconds: when)
            add(.ask(.released(job)), atMilliseconds: when + random.below(20_000))
        case 3, 4:
            add(.ask(.suspendRequested(job)), atMilliseconds: when)
            add(.ask(.resumeRequested(job)), atMilliseconds: when + random.below(20_000))
        case 5: add(.ask(.changed(job, .priority(random.below(6)))), atMilliseconds: when)
        case 6: add(.ask(.changed(job, .timeLimit(.seconds(1 + random.below(30))))), atMilliseconds: when)
        case 7:
            if let queue = queues.first { add(.ask(.changed(job, .queue(queue.name))), atMilliseconds: when) }
        case 8: add(.ask(.exited(job, attempt: 0, .exited(code: 0))), atMilliseconds: when)
        case 9: add(.ask(.changed(job, .begin(.zero + .milliseconds(when + 3000)))), atMilliseconds: when)
        default: break
        }
    }

    private mutating func makeDevice(_ name: String, using random: inout SeededGenerator) {
        var request = NamedDeviceRequest(
            name: name,
            amounts: .init(cores: .thousandths(500 * (1 + random.below(4))), memory: .gibibytes(1)),
            quality: random.pick([.guaranteed, .guaranteed, .bestEffort]), template: "half")
        if random.below(3) == 0 { request.machine = machines[0].name }
        let made = random.below(5000)
        add(.ask(.deviceMade(request)), atMilliseconds: made)
        let larger = NamedDeviceRequest.Amounts(cores: .cores(1 + random.below(3)), memory: .gibibytes(2))
        add(.ask(.deviceResized(name, larger)), atMilliseconds: made + random.below(40_000))
        add(.ask(.deviceDeleted(name)), atMilliseconds: made + 30_000 + random.below(60_000))
    }

    private mutating func makeTroubles(using random: inout SeededGenerator) {
        for _ in 0..<random.below(5) {
            let name = random.pick(machines).name
            let time = random.below(120_000)
            switch random.below(7) {
            case 0: add(.die(name), atMilliseconds: time)
            case 1, 2: add(.disconnect(name), atMilliseconds: time)
            case 3, 4: add(.crash, atMilliseconds: time)
            case 5:
                add(.ask(.drained(name, why: "maintenance")), atMilliseconds: time)
                add(.ask(.undrained(name)), atMilliseconds: time + random.below(40_000))
            default:
                let device: DeviceID? = random.pick([
                    nil, DeviceID(kind: "cpu", index: 0), DeviceID(kind: "gpu", index: 0),
                ])
                let part = MachinePart(machine: name, device: device)
                let level = random.pick(HealthLevel.allCases)
                add(.ask(.healthChanged(part, level, why: "a fault")), atMilliseconds: time)
                add(.ask(.healthChanged(part, .healthy, why: "mended")), atMilliseconds: time + 30_000)
            }
        }
    }

    /// At the end everything is let go: what is held, stands still, or cannot ever run.
    private mutating func calmDown() {
        let end = Int(WorldPlan.calm.inSeconds * 1000)
        for number in 1...max(1, submitted) {
            add(.ask(.released(JobID(number))), atMilliseconds: end)
            add(.ask(.resumeRequested(JobID(number))), atMilliseconds: end)
        }
        for machine in machines { add(.ask(.undrained(machine.name)), atMilliseconds: end) }
        for number in 1...max(1, submitted) {
            add(.ask(.cancelRequested(JobID(number))), atMilliseconds: end + 600_000)
        }
    }
}
