import Essentials
import Foundation
import HardwareTopology
import MachineAgent
import Scheduling
import Synchronization

/// A folder for one test, removed at its end.
final class LedgerScratch: Sendable {
    let path: String

    init() throws {
        path = NSTemporaryDirectory() + "heng-ledger-\(UUID().uuidString)"
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }

    /// The folder that the ledger of the test's machine makes inside.
    var machineFolder: String { path + "/box" }
    var stateFile: String { machineFolder + "/ledger.json" }

    /// A machine of one NUMA node; every scheduler of a test describes the same one.
    static func topology(cores: Int = 2, memory: ByteCount = .gibibytes(8)) -> Topology {
        let cpus = CPUSet(0..<cores)
        return Topology(
            machineName: "box", source: .synthetic(description: "by hand"), packages: [],
            numaNodes: [.init(osIndex: 0, memory: memory, cpus: cpus, package: nil)],
            cores: (0..<cores).map { .init(cpus: CPUSet([$0]), numaNode: 0, package: nil) })
    }

    func scheduler(cores: Int = 2, memory: ByteCount = .gibibytes(8), allowed: CPUSet? = nil) throws
        -> EmbeddedScheduler
    {
        let topology = LedgerScratch.topology(cores: cores, memory: memory)
        return try EmbeddedScheduler(
            folder: path, topology: topology, allowedCPUs: allowed ?? topology.cpus)
    }

    var ledger: Ledger { Ledger(in: path, machine: "box") }

    func readState() throws -> String { try String(contentsOfFile: stateFile, encoding: .utf8) }
    func writeState(_ text: String) throws {
        try text.write(toFile: stateFile, atomically: true, encoding: .utf8)
    }
}

func ledgerRequest(cores: Int = 1, limit: Duration? = nil) -> JobRequest {
    JobRequest(
        resources: ResourceRequest(cores: .cores(cores)), timeLimit: limit,
        label: JobLabel(user: "u", command: ["work"]))
}

extension EmbeddedScheduler {
    /// Submits and waits, for jobs that a test knows to start.
    func start(_ request: JobRequest) throws -> Lease {
        try waitForPlacement(of: submit(request), interrupt: LedgerInterrupt())
    }
}

/// Runs bodies at once, each on a thread of its own, and returns what they threw.
func onThreads(_ count: Int, _ body: @escaping @Sendable (Int) throws -> Void) -> [String] {
    let errors = Mutex<[String]>([])
    let group = DispatchGroup()
    for index in 0..<count {
        group.enter()
        Thread.detachNewThread {
            do {
                try body(index)
            } catch {
                errors.withLock { $0.append("thread \(index): \(error)") }
            }
            group.leave()
        }
    }
    group.wait()
    return errors.withLock { $0 }
}
