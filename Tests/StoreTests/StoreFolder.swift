internal import Essentials
internal import Foundation
internal import HardwareTopology
internal import Scheduling
internal import Store

/// A state folder that goes with the test.
final class StoreFolder {
    let path = NSTemporaryDirectory() + "/heng-store-\(UUID().uuidString)"
    var database: String { path + "/" + StateStore.fileName }

    init() throws {
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }

    func open() throws -> StateStore {
        let store = try StateStore(folder: path)
        try store.claim()
        return store
    }

    /// A copy of the files as they are now, as a crash of the program would leave them.
    func copy() throws -> StoreFolder {
        let other = try StoreFolder()
        for name in try FileManager.default.contentsOfDirectory(atPath: path) where !name.hasSuffix("-shm") {
            try FileManager.default.copyItem(atPath: path + "/" + name, toPath: other.path + "/" + name)
        }
        return other
    }

    func bytes(_ suffix: String = "") throws -> Data {
        try Data(contentsOf: URL(fileURLWithPath: database + suffix))
    }

    func write(_ data: Data, _ suffix: String = "") throws {
        try data.write(to: URL(fileURLWithPath: database + suffix))
    }
}

func request(_ name: String, payload: PayloadID? = nil) -> JobRequest {
    JobRequest(label: JobLabel(user: "ann", name: name, command: ["/bin/true"]), payload: payload)
}

func submission(_ name: String, at second: Int, key: String? = nil, payload: PayloadID? = nil) -> LogEntry {
    LogEntry(
        .submitted(request(name, payload: payload)),
        at: TimePoint(nanoseconds: Int64(second) * 1_000_000_000),
        key: key)
}

extension StateStore {
    /// Every event, in words.
    func allEvents(after number: Int64 = 0) throws -> [String] {
        var lines: [String] = []
        try events(after: number) { lines.append("\($0.number) \($0.time.nanoseconds) \($0.event)") }
        return lines
    }
}

/// A cluster of one machine whose two cores are taken, so that jobs wait.
func stateWithMachine(_ policy: SchedulingPolicy = SchedulingPolicy()) -> ClusterState {
    let cores = (0..<2).map { Topology.Core(cpus: CPUSet([$0]), numaNode: 0, package: nil) }
    let node = Topology.NUMANode(osIndex: 0, memory: .gibibytes(4), cpus: CPUSet([0, 1]), package: nil)
    let machine = Machine(
        topology: Topology(
            machineName: "m", source: .synthetic(description: "by hand"), packages: [], numaNodes: [node],
            cores: cores, devices: []))
    var state = ClusterState(policy: policy)
    _ = state.on(.machineJoined(machine), at: .zero)
    _ = state.on(.drained("m", why: "jobs are to wait"), at: .zero)
    _ = state.takeChangedJobs()
    return state
}
