package import ControlAPI
internal import Essentials
internal import Scheduling

/// What the processes of a rank learn from their environment, besides what their submitter gave them.
package struct AttemptEnvironment: Sendable {
    package var start: AttemptStart
    /// What no other attempt on the machine has in its environment.
    package var marker: String
    package var tablePath: String?
    /// Where the ranks meet; nil for a single one.
    package var meetingPoint: (address: String, port: Int)?

    package init(
        start: AttemptStart, marker: String, tablePath: String? = nil,
        meetingPoint: (address: String, port: Int)? = nil
    ) {
        self.start = start
        self.marker = marker
        self.tablePath = tablePath
        self.meetingPoint = meetingPoint
    }

    /// The variable by which processes are found that lost their supervisor.
    package static let markerName = "HENG_ATTEMPT"

    /// The whole environment of a rank, by its place on this machine.
    package func variables(localRank: Int, slot: RankSlot) -> [String: String] {
        let rank = start.firstRank + localRank
        let own = RankEnvironment(
            job: start.attempt.job, rank: rank, worldSize: start.worldSize, slot: slot, tablePath: tablePath)
        var variables = start.launch.environment
        for group in [
            own.variables, heng(localRank), slurm(rank, localRank, slot), torch(rank, localRank),
            device(localRank, slot),
        ] { variables.merge(group) { $1 } }
        return variables
    }

    private func heng(_ localRank: Int) -> [String: String] {
        var variables = [
            Self.markerName: marker,
            "HENG_ATTEMPT_NUMBER": "\(start.attempt.attempt)",
            "HENG_RESTART_COUNT": "\(start.restarts)",
            "HENG_JOB_NAME": start.label.name,
            "HENG_LOCAL_RANK": "\(localRank)",
        ]
        if let job = start.arrayJob { variables["HENG_ARRAY_JOB_ID"] = "\(job)" }
        if let index = start.arrayIndex { variables["HENG_ARRAY_TASK_ID"] = "\(index)" }
        return variables
    }

    /// The names that scripts written for Slurm rely on.
    private func slurm(_ rank: Int, _ localRank: Int, _ slot: RankSlot) -> [String: String] {
        var variables = [
            "SLURM_JOB_ID": "\(start.attempt.job)",
            "SLURM_JOBID": "\(start.attempt.job)",
            "SLURM_JOB_NAME": start.label.name,
            "SLURM_SUBMIT_DIR": start.launch.workingDirectory,
            "SLURM_PROCID": "\(rank)",
            "SLURM_LOCALID": "\(localRank)",
            "SLURM_NTASKS": "\(start.worldSize)",
            "SLURM_NNODES": "\(machines.count)",
            "SLURM_NODEID": "\(machineIndex)",
            "SLURM_CPUS_ON_NODE": "\(slot.cpus.count)",
            "SLURM_RESTART_COUNT": "\(start.restarts)",
        ]
        if let job = start.arrayJob { variables["SLURM_ARRAY_JOB_ID"] = "\(job)" }
        if let index = start.arrayIndex { variables["SLURM_ARRAY_TASK_ID"] = "\(index)" }
        return variables
    }

    /// What torchrun would set for its workers.
    private func torch(_ rank: Int, _ localRank: Int) -> [String: String] {
        guard let meetingPoint else { return [:] }
        return [
            "MASTER_ADDR": meetingPoint.address,
            "MASTER_PORT": "\(meetingPoint.port)",
            "RANK": "\(rank)",
            "WORLD_SIZE": "\(start.worldSize)",
            "LOCAL_RANK": "\(localRank)",
            "LOCAL_WORLD_SIZE": "\(start.ranks.count)",
            "NODE_RANK": "\(machineIndex)",
        ]
    }

    /// Of all accelerators only the one that was granted is to be seen, also by what computes on processors as if it
    /// were one (https://portablecl.org/docs/html/env_variables.html).
    private func device(_ localRank: Int, _ slot: RankSlot) -> [String: String] {
        let threads = RankEnvironment(
            job: start.attempt.job, rank: 0, worldSize: 1, slot: slot, tablePath: nil
        ).threads
        var processors = ["POCL_CPU_MAX_CU_COUNT": "\(threads)", "POCL_MAX_PTHREAD_COUNT": "\(threads)"]
        processors["HENG_MEMORY"] = slot.memory.map { "\($0.bytes)" }
        let grant = AcceleratorGrant(start.ranks[localRank])
        return (grant?.variables ?? AcceleratorGrant.nothing).merging(processors) { $1 }
    }

    /// Each machine once, in the order of its first rank.
    private var machines: [String] {
        var seen: [String] = []
        for machine in start.machinesOfRanks where !seen.contains(machine) { seen.append(machine) }
        return seen.isEmpty ? [""] : seen
    }

    private var machineIndex: Int {
        guard start.firstRank < start.machinesOfRanks.count else { return 0 }
        return machines.firstIndex(of: start.machinesOfRanks[start.firstRank]) ?? 0
    }
}
