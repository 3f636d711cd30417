internal import Essentials
internal import Foundation
internal import Scheduling
internal import Store

/// What the daemon needs of the cluster's state beside `on(_:at:)`: the one place that knows how it is saved.
struct StateRecorder {
    private var ended: [Job] = []

    /// Notes what an event has changed; called after each one, in order.
    mutating func note(_ event: Event, _ actions: [Action], in state: ClusterState) {
        for case .ended(let id, _) in actions {
            if let job = state.jobs[id] { ended.append(job) }
        }
    }

    /// The difference to the last checkpoint.
    func checkpoint(of state: inout ClusterState) throws -> Checkpoint {
        Checkpoint(
            frame: try JSONEncoder().encode(state), jobCount: 0, changed: [], forgotten: [], ended: ended,
            time: state.time)
    }

    /// The checkpoint is on the disk.
    mutating func written() { ended.removeAll() }

    /// The state as the checkpoint has it.
    static func state(of checkpoint: RecoveredCheckpoint) throws -> ClusterState {
        try JSONDecoder().decode(ClusterState.self, from: checkpoint.frame)
    }
}

extension ClusterState {
    /// When `timePassed` is due next.
    var wakeUp: TimePoint? { nextDeadline }

    /// The attempts that hold resources, with the machines they are on.
    var livingAttempts: [(job: Job, machines: [String])] {
        activeJobs.compactMap { id in
            guard let job = jobs[id], let placement = job.placement else { return nil }
            return (job, placement.machines)
        }
    }

    /// Jobs with numbers above one, in rising order.
    func jobs(after id: JobID, limit: Int) -> [Job] {
        let all = jobs.all
        var low = 0
        var high = all.count
        while low < high {
            let middle = (low + high) / 2
            if all[middle].id <= id { low = middle + 1 } else { high = middle }
        }
        return Array(all[low..<min(all.count, low + limit)])
    }

    var waitingCount: Int { jobs.count { $0.phase == .pending || $0.phase == .held } }
    var runningCount: Int { activeJobs.count }
}

extension JobList {
    fileprivate func count(where matches: (Job) -> Bool) -> Int { all.count(where: matches) }
}

extension Placement {
    /// The machines of the placement, each once.
    var machines: [String] { [machine] }

    /// The ranks on one machine, and the number of the first.
    func part(on machine: String) -> (ranks: [VirtualDevice], first: Int) { (ranks, 0) }

    var machinesOfRanks: [String] { ranks.map { _ in machine } }
}

extension Job {
    /// The first job of its array, and its index there.
    var arrayPlace: (job: JobID, index: Int)? { nil }
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
}

extension ClusterState {
    var queueList: [Queue] { [] }
    var namedDeviceList: [NamedDevice] { [] }

    var machineFacts: [MachineFacts] {
        inventories.map { inventory in
            let name = inventory.machine.name
            let held = activeJobs.compactMap { jobs[$0]?.placement }.filter { $0.machines.contains(name) }
            let parts = held.flatMap { $0.part(on: name).ranks }
            let cores = inventory.nodes.reduce(0) { $0 + $1.coreCount }
            let memory = inventory.nodes.reduce(ByteCount.zero) { $0 + $1.memory }
            return MachineFacts(
                name: name, cores: cores,
                coresFree: Double(cores) - parts.reduce(0) { $0 + $1.cores.inCores }, memory: memory,
                memoryFree: memory - parts.reduce(.zero) { $0 + $1.memory },
                devices: inventory.devices.map(\.id), jobs: held.count)
        }
    }
}
