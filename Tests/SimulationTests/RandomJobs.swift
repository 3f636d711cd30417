import Essentials
import HardwareTopology
import Scheduling
import TestSupport

/// A job of a simulation: what it asks for, when it comes, and how long it would run if nobody stopped it.
struct SimulatedJob {
    var arrival: TimePoint
    var request: JobRequest
    var runTime: Duration
}

/// What a simulation may do to its jobs.
struct Mischief {
    /// Cancels, requeues, holds, lost owners and jobs that outrun their limit.
    var interferes: Bool
    var mixesPriorities: Bool
}

func randomJobs(
    _ count: Int, for machine: Machine, _ mischief: Mischief, using random: inout SeededGenerator
) -> [SimulatedJob] {
    var time = TimePoint.zero
    return (0..<count).map { index in
        time = time + .milliseconds(Int(random.exponential(rate: 1) * 4000))
        let runTime = Duration.milliseconds(200 + Int(random.exponential(rate: 1) * 8000))
        let overrun = mischief.interferes && random.below(6) == 0
        let limit: Duration? =
            switch random.below(4) {
            case 0: nil
            case 1 where overrun: .nanoseconds(max(1, runTime.nanoseconds / 2))
            default: .nanoseconds(runTime.nanoseconds * Int64(1 + random.below(4)))
            }
        let request = JobRequest(
            resources: randomRequestResources(for: machine, using: &random), timeLimit: limit,
            priority: mischief.mixesPriorities ? random.below(3) : 0,
            label: JobLabel(user: "u\(random.below(3))", command: ["job\(index)"]))
        return SimulatedJob(arrival: time, request: request, runTime: runTime)
    }
}

/// Mostly sensible amounts, some impossible ones.
func randomRequestResources(
    for machine: Machine, using random: inout SeededGenerator
) -> ResourceRequest {
    let nodes = machine.topology.numaNodes.count
    let cores = machine.topology.cores.count
    var request = ResourceRequest()
    switch random.below(4) {
    case 0: request.share = DeviceShare(units: 1 + random.below(10_500))
    case 1: request.cores = .thousandths(50 * (1 + random.below(60)))
    case 2: request.cores = .cores(1 + random.below(max(1, cores)))
    default:
        request.share = DeviceShare(units: 500 * (1 + random.below(20)))
        request.cores = .thousandths(250 * (1 + random.below(8)))
    }
    if random.below(2) == 0 { request.memory = .mebibytes(random.below(6 << 10)) }
    if random.below(10) == 0 { request.memory = .gibibytes(random.below(40)) }
    if random.below(4) == 0 { request.numa = .preferred(random.below(nodes)) }
    if random.below(6) == 0 { request.numa = .required(random.below(nodes)) }
    if random.below(4) == 0 {
        request.ranks = 1 + random.below(4)
        request.spread = random.pick([.perNUMANode, .perVirtualDevice, .packed])
    }
    request.maySpan = random.below(4) == 0
    if random.below(6) == 0 {
        request.within = CPUSet(machine.topology.cpus.units.filter { _ in random.below(3) > 0 })
    }
    if !machine.topology.devices.isEmpty, random.below(4) == 0 {
        request.deviceKind = "gpu"
        request.share = random.below(2) == 0 ? nil : DeviceShare(units: 2500 * (1 + random.below(4)))
        request.cores = .cores(1)
    }
    return request
}
