import ControlAPI
import Essentials
import HardwareTopology
import MachineAgent
import Scheduling
import Synchronization
import Testing

#if canImport(Glibc)
import Glibc
#endif

/// A folder of its own for one test, removed with everything below it.
final class Scratch: Sendable {
    let path: String

    init() throws {
        var template = Array("/tmp/heng-host-XXXXXX".utf8CString)
        guard unsafe mkdtemp(&template) != nil else { throw Failure("No temporary folder can be made.") }
        path = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    deinit { removeTree(path) }

    func file(_ name: String) -> String { "\(path)/\(name)" }
    func text(_ name: String) -> String { (try? readText(file(name))) ?? "" }
    func lines(_ name: String) -> [Substring] { text(name).split(separator: "\n") }
}

private func removeTree(_ path: String) {
    for name in names(in: path) {
        let below = "\(path)/\(name)"
        if unsafe unlink(below) != 0 { removeTree(below) }
    }
    unsafe rmdir(path)
}

/// A virtual device on some processing units of this machine.
func testDevice(
    cpus: [Int], memory: ByteCount = .zero, perCore amount: CoreAmount = .cores(1)
) -> VirtualDevice {
    let topology = Topology(
        machineName: "here", source: .synthetic(description: "test"), packages: [],
        numaNodes: [.init(osIndex: 0, memory: .gibibytes(64), cpus: CPUSet(cpus), package: nil)],
        cores: cpus.map { .init(cpus: CPUSet([$0]), numaNode: 0, package: nil) })
    return VirtualDevice(
        device: DeviceID(kind: ResourceRequest.cpu, index: 0), share: .whole,
        pieces: [
            .init(
                numaNode: 0, osIndex: 0, cores: cpus.indices.map { .init(core: $0, amount: amount) },
                memory: memory)
        ], of: Inventory(Machine(topology: topology)))
}

/// The same with a name, as the daemon would have it.
func namedDevice(
    _ name: String, _ device: VirtualDevice, revision: Int = 1, isolation: IsolationDemand = .any
) -> NamedDevice {
    NamedDevice(
        request: NamedDeviceRequest(
            name: name, amounts: .init(memory: device.memory), isolation: isolation),
        machine: "here", device: device, madeAt: .zero, revision: revision)
}

/// The groups that there are of a device with a name, by controller.
func deviceGroups(of name: String, on isolation: Isolation) -> [Controller: String] {
    var found: [Controller: String] = [:]
    for controller in Controller.allCases {
        let folder: String
        switch isolation.home(of: controller) {
        case .missing: continue
        case .unified(let home), .legacy(let home): folder = home
        }
        let group = names(in: folder).first { $0.hasPrefix("heng-device-") && $0.hasSuffix("-\(name)") }
        found[controller] = group.map { "\(folder)/\($0)" }
    }
    return found
}

/// A host on a folder of its own, with what it has reported.
final class TestHost: Sendable {
    let scratch: Scratch
    let host: AttemptHost
    private let log: ReportLog

    init(_ scratch: Scratch, isolation: Isolation = noGroups, options: AttemptOptions = AttemptOptions())
        throws
    {
        self.scratch = scratch
        let log = ReportLog()
        self.log = log
        host = try AttemptHost(
            folder: scratch.file("attempts"), machine: "here", isolation: isolation, supervisor: .locate(),
            options: options
        ) { log.add($0) }
    }

    var reports: [AgentReport] { log.all }

    func folder(_ id: AttemptID) -> String { scratch.file("attempts/\(id)") }

    /// A shell script as a job; its output is in the file `out`.
    func script(
        _ text: String, job: Int = 1, ranks: [VirtualDevice]? = nil, timeLimit: Duration? = nil,
        warning: WarningSignal? = nil, grace: Duration = .seconds(5), output: String? = "out",
        change: (inout AttemptStart) -> Void = { _ in }
    ) throws -> AttemptStart {
        let cpus = try usableCPUs().units
        var start = AttemptStart(
            attempt: AttemptID(JobID(job), 1), ranks: ranks ?? [testDevice(cpus: cpus)],
            label: JobLabel(user: "somebody", name: "test", command: ["sh"]), timeLimit: timeLimit,
            warning: warning,
            launch: LaunchSpecification(
                command: ["/bin/sh", "-c", text], environment: ["PATH": "/usr/bin:/bin"],
                workingDirectory: scratch.path, output: output, grace: grace))
        change(&start)
        return start
    }

    /// Starts it and waits until it runs.
    @discardableResult
    func started(_ start: AttemptStart) async throws -> AttemptRun {
        host.perform(.start(start))
        try await eventually { self.run(start.attempt) != nil || self.ended(start.attempt) != nil }
        return try #require(run(start.attempt))
    }

    /// Runs it to its end.
    func run(_ start: AttemptStart) async throws -> AttemptEnd {
        host.perform(.start(start))
        return try await end(start.attempt)
    }

    func end(_ id: AttemptID) async throws -> AttemptEnd {
        try await eventually { self.ended(id) != nil }
        return try #require(ended(id))
    }

    func run(_ id: AttemptID) -> AttemptRun? {
        for case .started(id, let run) in reports { return run }
        return nil
    }

    func ended(_ id: AttemptID) -> AttemptEnd? {
        for case .ended(id, let end) in reports { return end }
        return nil
    }
}

private final class ReportLog: Sendable {
    private let reports = Mutex<[AgentReport]>([])
    var all: [AgentReport] { reports.withLock { $0 } }
    func add(_ report: AgentReport) { reports.withLock { $0.append(report) } }
}

/// Waits for something that other processes bring about; the suites' time limit ends a wait in vain.
func eventually(_ condition: () throws -> Bool) async throws {
    while try !condition() { try await Task.sleep(for: .milliseconds(1)) }
}

/// The supervisor of a rank, from its manifest.
func supervisor(_ host: TestHost, _ id: AttemptID, rank: Int = 0) throws -> Int32 {
    let text = try readText("\(host.folder(id))/rank-\(rank).manifest")
    let line = text.split(separator: "\n").first { $0.hasPrefix("pid=") }
    return try #require(line.flatMap { Int32($0.dropFirst(4)) })
}
