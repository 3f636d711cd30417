import ControlAPI
import Essentials
import HardwareTopology
import MachineAgent
import Scheduling
import Synchronization
import TopologyDiscovery

#if canImport(Glibc)
import Glibc
#endif

// How many attempts of /bin/true the agent's runtime carries through in a second, from the command to the report of
// the end, beside bare posix_spawn of the same program with as many at once. The kinds take turns, so that a machine
// that others use too is as busy for each. Arguments: how many, how many at once.

let rounds = 20
let count = max(1, (CommandLine.arguments.dropFirst().first.flatMap { Int($0) } ?? 2000) / rounds)
let atOnce = CommandLine.arguments.dropFirst(2).first.flatMap { Int($0) } ?? 2

/// Seconds that some work takes.
func seconds(_ body: () throws -> Void) rethrows -> Double {
    let start = TimePoint.monotonicNow()
    try body()
    return Double((TimePoint.monotonicNow() - start).nanoseconds) / 1e9
}

func spawnAll() {
    var arguments = unsafe [strdup("/bin/true"), nil]
    defer { unsafe free(arguments[0]) }
    var running = 0
    var status: Int32 = 0
    for _ in 0..<count {
        var pid: pid_t = 0
        guard unsafe posix_spawn(&pid, "/bin/true", nil, nil, &arguments, environ) == 0 else { continue }
        running += 1
        if running == atOnce {
            unsafe waitpid(-1, &status, 0)
            running -= 1
        }
    }
    while running > 0 {
        unsafe waitpid(-1, &status, 0)
        running -= 1
    }
}

/// Starts the next attempt whenever one has ended and was forgotten.
final class Driver: Sendable {
    private let state = Mutex<(next: Int, ended: Int, failures: Int)>((0, 0, 0))
    private let host = Mutex<AttemptHost?>(nil)
    private let done: Mutex<Bool> = Mutex(false)
    let template: AttemptStart

    init(_ template: AttemptStart) { self.template = template }

    func run(_ folder: String, _ isolation: Isolation) throws {
        let host = try AttemptHost(
            folder: folder, machine: "here", isolation: isolation, supervisor: .locate()
        ) { self.hear($0) }
        self.host.withLock { $0 = host }
        for _ in 0..<atOnce { startNext() }
        while !done.withLock({ $0 }) { usleep(500) }
        self.host.withLock { $0 = nil }
        host.close()
        let failures = state.withLock { $0.failures }
        if failures > 0 { print("\(failures) attempts did not complete") }
    }

    private func startNext() {
        let number = state.withLock { state -> Int? in
            guard state.next < count else { return nil }
            state.next += 1
            return state.next
        }
        guard let number else { return }
        var start = template
        start.attempt = AttemptID(JobID(number), 1)
        host.withLock { $0 }?.perform(.start(start))
    }

    private func hear(_ report: AgentReport) {
        guard case .ended(let id, let end) = report else { return }
        host.withLock { $0 }?.perform(.forget(id))
        let isLast = state.withLock { state in
            state.ended += 1
            if end.outcome != .exited(code: 0) { state.failures += 1 }
            return state.ended == count
        }
        startNext()
        if isLast { done.withLock { $0 = true } }
    }
}

var template = Array("/tmp/heng-attempts-XXXXXX".utf8CString)
guard unsafe mkdtemp(&template) != nil else { fatalError("no temporary folder") }
let folder = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)

let machine = Machine(topology: try Topology.discover())
let inventory = Inventory(machine)
let core = machine.topology.cores.startIndex
let device = VirtualDevice(
    device: DeviceID(kind: ResourceRequest.cpu, index: 0), share: .whole,
    pieces: [
        VirtualDevice.Piece(
            numaNode: 0, osIndex: inventory.nodes[0].osIndex,
            cores: machine.topology.cores.indices.map { .init(core: $0, amount: .cores(1)) }, memory: .zero)
    ], of: inventory)
var environment: [String: String] = ["PATH": "/usr/bin:/bin"]
for number in 0..<40 { environment["VARIABLE_\(number)"] = String(repeating: "x", count: 40) }
let start = AttemptStart(
    attempt: AttemptID(JobID(1), 1), ranks: [device], label: JobLabel(user: "bench", command: ["/bin/true"]),
    launch: LaunchSpecification(
        command: ["/bin/true"], environment: environment, workingDirectory: folder, output: "/dev/null"))

let kinds = [
    ("no control groups", Isolation.soft(because: "not asked for")), ("control groups", Isolation.detect()),
]
var bare = 0.0
var spent = kinds.map { _ in 0.0 }
for round in 0..<rounds {
    bare += seconds { spawnAll() }
    for (kind, entry) in kinds.enumerated() {
        spent[kind] += try seconds { try Driver(start).run("\(folder)/\(kind)-\(round)", entry.1) }
    }
}
let total = Double(rounds * count)
print("posix_spawn of /bin/true, \(atOnce) at once: \(Int(total / bare))/s")
for (kind, entry) in kinds.enumerated() {
    print(
        "attempts with \(entry.0): \(Int(total / spent[kind]))/s, \(Int((100 * bare / spent[kind]).rounded())) %"
    )
}
_ = unsafe Glibc.system("rm -rf \(folder)")
