import ControlAPI
import Essentials
import HardwareTopology
import MachineAgent
import Scheduling
import Synchronization

#if canImport(Glibc)
import Glibc
#endif

/// An agent that is killed: it runs a script as jobs 1 to `count`, those that it does not know already, and prints
/// each start and each end.
func serveAttempts(folder: String, work: String, count: Int, script: String) throws {
    let ends = Ends()
    let host = try AttemptHost(
        folder: folder, machine: "here", isolation: .soft(because: "the test asks for none"),
        supervisor: .locate()
    ) { ends.hear($0) }
    for status in host.adopted {
        if case .ended(let end) = status.state { ends.hear(.ended(status.attempt, end)) }
    }
    let known = Set(host.adopted.map(\.attempt))
    for job in 1...max(1, count) {
        let id = AttemptID(JobID(job), 1)
        if !known.contains(id) { host.perform(.start(try attempt(id, work: work, script: script))) }
    }
    while ends.count < count { usleep(1000) }
}

/// What has ended, each once, and printed as it comes.
private final class Ends: Sendable {
    private let ended = Mutex<Set<AttemptID>>([])
    var count: Int { ended.withLock { $0.count } }

    func hear(_ report: AgentReport) {
        switch report {
        case .started(let id, _): say("started \(id)\n")
        case .ended(let id, let end):
            ended.withLock { ended in
                if ended.insert(id).inserted { say("ended \(id) \(word(end.outcome))\n") }
            }
        default: break
        }
    }

    private func say(_ line: String) {
        let bytes = Array(line.utf8)
        _ = unsafe write(STDOUT_FILENO, bytes, bytes.count)
    }

    private func word(_ outcome: JobOutcome) -> String {
        switch outcome {
        case .exited(let code): "exited(code: \(code))"
        case .launchFailed: "launchFailed"
        default: "\(outcome)"
        }
    }
}

private func attempt(_ id: AttemptID, work: String, script: String) throws -> AttemptStart {
    let topology = Topology(
        machineName: "here", source: .synthetic(description: "test"), packages: [],
        numaNodes: [.init(osIndex: 0, memory: .gibibytes(1), cpus: CPUSet([0]), package: nil)],
        cores: [.init(cpus: CPUSet([0]), numaNode: 0, package: nil)])
    let device = VirtualDevice(
        device: DeviceID(kind: ResourceRequest.cpu, index: 0), share: .whole,
        pieces: [.init(numaNode: 0, osIndex: 0, cores: [.init(core: 0, amount: .cores(1))], memory: .zero)],
        of: Inventory(Machine(topology: topology)))
    return AttemptStart(
        attempt: id, ranks: [device], label: JobLabel(user: "test", command: ["sh"]),
        launch: LaunchSpecification(
            command: ["/bin/sh", "-c", script], environment: ["PATH": "/usr/bin:/bin", "SCRATCH": work],
            workingDirectory: work, output: "/dev/null"))
}
