internal import Essentials
internal import Foundation
internal import Scheduling
internal import Store

/// Notes what a checkpoint has to write, and makes states from what was written.
struct StateRecorder {
    private(set) var ended: [Job] = []

    /// Notes what an event has changed; called after each one, in order.
    mutating func note(_ actions: [Action], in state: ClusterState) {
        for case .ended(let id, _) in actions {
            if let job = state.jobs[id] { ended.append(job) }
        }
    }

    /// The difference between two checkpoints, which is all or nothing: when writing it fails, `changed` is due again.
    struct Difference {
        var checkpoint: Checkpoint
        var changed: [JobID]
    }

    /// What has changed since the last checkpoint, with the jobs of one that was not written.
    func difference(of state: inout ClusterState, besides left: [JobID]) throws -> Difference {
        let ids = Set(state.takeChangedJobs()).union(left).sorted()
        var changed: [Job] = []
        var forgotten: [JobID] = []
        for id in ids {
            if let job = state.jobs[id] { changed.append(job) } else { forgotten.append(id) }
        }
        return Difference(
            checkpoint: Checkpoint(
                frame: try JSONEncoder().encode(state.frame), jobCount: state.jobs.count, changed: changed,
                forgotten: forgotten, ended: ended, time: state.time), changed: ids)
    }

    /// The checkpoint is on the disk.
    mutating func written() { ended.removeAll() }

    /// The state as the checkpoint has it.
    static func state(of checkpoint: RecoveredCheckpoint) throws -> ClusterState {
        let frame = try JSONDecoder().decode(ClusterFrame.self, from: checkpoint.frame)
        var state = ClusterState(frame: frame, jobs: checkpoint.jobs)
        // What was just read is not new.
        _ = state.takeChangedJobs()
        return state
    }
}

extension ClusterState {
    /// Jobs with numbers above one, in rising order, and the number to go on from; nil at the end.
    ///
    /// Looks at so many numbers and no more, because some may be forgotten.
    func jobs(after id: JobID, numbers: Int) -> (jobs: [Job], next: JobID?) {
        let end = min(nextJob.number, id.number + 1 + numbers)
        let found = (id.number + 1..<max(end, id.number + 1)).compactMap { jobs[JobID($0)] }
        return (found, end < nextJob.number ? JobID(end - 1) : nil)
    }

    /// The machines on which an attempt has processes, or will have.
    func machines(of job: Job) -> [String] {
        guard let run = job.run else { return [] }
        return run.placement.machines.filter { !run.endedParts.contains($0) }
    }
}

extension Placement {
    /// The ranks on one machine, and the number of the first.
    func part(on machine: String) -> (ranks: [VirtualDevice], first: Int) {
        var first = 0
        for part in parts {
            if part.machine == machine { return (part.ranks, first) }
            first += part.ranks.count
        }
        return ([], first)
    }

    var machinesOfRanks: [String] { parts.flatMap { part in part.ranks.map { _ in part.machine } } }
}

/// What the status shows of a machine.
struct MachineFacts {
    var name: String
    var cores: Int
    var coresFree: Double
    var memory: ByteCount
    var memoryFree: ByteCount
    var devices: [DeviceID]
    var jobs: Int
    var status: MachineStatus
}

extension ClusterState {
    var machineFacts: [MachineFacts] {
        inventories.indices.map { index in
            let inventory = inventories[index]
            let name = inventory.machine.name
            let held = activeJobs.compactMap { jobs[$0]?.placement }.filter { $0.machines.contains(name) }
            let parts = held.flatMap { $0.part(on: name).ranks }
            let cores = inventory.nodes.reduce(0) { $0 + $1.coreCount }
            let memory = inventory.nodes.reduce(ByteCount.zero) { $0 + $1.memory }
            return MachineFacts(
                name: name, cores: cores,
                coresFree: Double(cores) - parts.reduce(0) { $0 + $1.cores.inCores }, memory: memory,
                memoryFree: memory - parts.reduce(.zero) { $0 + $1.memory },
                devices: inventory.devices.map(\.id), jobs: held.count, status: status[index])
        }
    }
}
