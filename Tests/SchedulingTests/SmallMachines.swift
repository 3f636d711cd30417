import Essentials
import HardwareTopology
import Scheduling

/// A machine of equal nodes with one hardware thread per core and cores numbered node by node.
func smallMachine(nodes: Int, coresPerNode: Int, memoryPerNode: ByteCount = .gibibytes(4), gpusOn: [Int] = [])
    -> Machine
{
    let cores = (0..<nodes * coresPerNode).map {
        Topology.Core(cpus: CPUSet([$0]), numaNode: $0 / coresPerNode, package: nil)
    }
    let numaNodes = (0..<nodes).map { node in
        Topology.NUMANode(
            osIndex: node, memory: memoryPerNode,
            cpus: CPUSet(node * coresPerNode..<(node + 1) * coresPerNode), package: nil)
    }
    let devices = gpusOn.enumerated().map {
        Topology.AttachedDevice(
            kind: .gpu, name: "g\($0.offset)", model: "G", pciAddress: nil, numaNode: $0.element)
    }
    return Machine(
        topology: Topology(
            machineName: "m", source: .synthetic(description: "by hand"), packages: [], numaNodes: numaNodes,
            cores: cores, devices: devices))
}

/// A request for a job called `name`.
func request(
    _ name: String = "job", cores: Int? = nil, share: Double? = nil, memory: ByteCount = .zero,
    limit: Duration? = nil, priority: Int = 0, kind: String = "cpu", numa: NodePreference = .any,
    span: Bool = false, ranks: Int = 1, spread: RankSpread = .perVirtualDevice
) -> JobRequest {
    JobRequest(
        resources: ResourceRequest(
            deviceKind: kind, share: share.map { DeviceShare(units: Int($0 * 10_000 + 0.5)) },
            cores: cores.map { .cores($0) }, memory: memory, numa: numa, maySpan: span, ranks: ranks,
            spread: spread),
        timeLimit: limit, priority: priority, label: JobLabel(user: "u", command: [name]))
}

/// A state with one machine, driven by seconds since its beginning.
struct Cluster {
    var state: ClusterState

    init(_ machine: Machine, policy: SchedulingPolicy = SchedulingPolicy()) {
        state = ClusterState(policy: policy)
        _ = state.on(.machineJoined(machine), at: .zero)
    }

    /// Submits and returns the actions after the acceptance.
    @discardableResult
    mutating func submit(_ request: JobRequest, at second: Int = 0) -> [Action] {
        Array(on(.submitted(request), at: second).dropFirst())
    }

    @discardableResult
    mutating func on(_ event: Event, at second: Int = 0) -> [Action] {
        state.on(event, at: TimePoint.zero + .seconds(second))
    }

    mutating func exit(_ job: Int, at second: Int) -> [Action] {
        let attempt = state.jobs[JobID(job)]?.attempt ?? 0
        return on(.exited(JobID(job), attempt: attempt, .exited(code: 0)), at: second)
    }

    func cpus(of job: Int) -> [Int]? { state.jobs[JobID(job)]?.placement?.cpus.units }
    func node(of job: Int) -> Int? { state.jobs[JobID(job)]?.placement?.ranks.first?.numaNode }
    func reason(of job: Int) -> WaitReason? { state.waitReason(of: JobID(job)) }

    var running: [Int] { state.activeJobs.map(\.number) }
}
