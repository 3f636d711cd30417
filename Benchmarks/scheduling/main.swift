import Essentials
import HardwareTopology
import Scheduling

// What the scheduler costs for each job, with no processes and no disk: `heng-scheduling-costs [CYCLES]`.
//
// For each length of the queue, that many jobs wait; then jobs end one by one, and for each that ends another one is
// submitted. A job is four events: submitted, started, exited, and the round that places it.

/// Machines of four nodes with eight cores each.
func machine(_ number: Int) -> Machine {
    let cores = (0..<32).map { Topology.Core(cpus: CPUSet([$0]), numaNode: $0 / 8, package: nil) }
    let nodes = (0..<4).map { node in
        Topology.NUMANode(
            osIndex: node, memory: .gibibytes(64), cpus: CPUSet(node * 8..<node * 8 + 8), package: nil)
    }
    return Machine(
        topology: Topology(
            machineName: "m\(number)", source: .synthetic(description: "benchmark"), packages: [],
            numaNodes: nodes, cores: cores))
}

/// Jobs of so many shapes, as users send them: few sizes, each many times.
func request(_ random: inout SeededGenerator, shapes: Int) -> JobRequest {
    let shape = random.below(shapes)
    return JobRequest(
        resources: ResourceRequest(
            cores: .cores([1, 1, 1, 2, 4, 8][shape % 6]), memory: .gibibytes([1, 2, 4, 8][shape % 4])),
        timeLimit: .seconds(60 * (1 + shape % 30)), priority: shape % 3,
        label: JobLabel(user: "u\(shape % 8)", command: ["job"]))
}

struct Load {
    var state: ClusterState
    var random = SeededGenerator(seed: 1, purpose: "costs")
    var now = TimePoint.zero
    let shapes: Int

    init(machines: Int, waiting: Int, shapes: Int) {
        state = ClusterState(policy: SchedulingPolicy(endedJobsKept: 1000))
        self.shapes = shapes
        for number in 0..<machines { _ = state.on(.machineJoined(machine(number)), at: .zero) }
        while state.waitingCount < waiting {
            act(state.on(.submitted(request(&random, shapes: shapes)), at: now))
        }
    }

    mutating func act(_ actions: [Action]) {
        for case .start(let job, let attempt, _) in actions {
            _ = state.on(.started(job, attempt: attempt), at: now)
        }
    }

    /// One job ends and one comes.
    mutating func cycle() {
        now = now + .milliseconds(5)
        let job = state.activeJobs[random.below(state.activeJobs.count)]
        act(state.on(.exited(job, attempt: state.jobs[job]?.attempt ?? 0, .exited(code: 0)), at: now))
        act(state.on(.submitted(request(&random, shapes: shapes)), at: now))
        if state.nextWakeUp.map({ $0 <= now }) ?? false { act(state.on(.timePassed, at: now)) }
    }
}

let cycles = CommandLine.arguments.dropFirst().first.flatMap { Int($0) } ?? 20_000
// With any second argument only the first line, for a profiler.
let isShort = CommandLine.arguments.count > 2
let wanted = isShort ? [(16, 24)] : [(1, 1), (1, 24), (16, 24)]
let lengths = isShort ? [1000] : [1000, 10_000, 100_000]
print("machines  shapes  waiting  cycles  us/job")
for (machines, shapes) in wanted {
    for waiting in lengths {
        var load = Load(machines: machines, waiting: waiting, shapes: shapes)
        let clock = ContinuousClock()
        let took = clock.measure { for _ in 0..<cycles { load.cycle() } }
        let each = took.inSeconds / Double(cycles) * 1e6
        print(
            "\(machines)".padded(to: 8), "\(shapes)".padded(to: 6), "\(waiting)".padded(to: 7),
            "\(cycles)".padded(to: 6), each.formatted(digits: 1), separator: "  ")
    }
}
