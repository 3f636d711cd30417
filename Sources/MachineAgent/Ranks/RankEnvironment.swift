package import Essentials

/// What a process of a job learns from its environment.
package struct RankEnvironment: Hashable, Sendable {
    package var job: JobID
    package var rank: Int
    package var worldSize: Int
    package var slot: RankSlot
    /// The path of the rank table; nil for a job of a single step, which needs none.
    package var tablePath: String?

    package init(job: JobID, rank: Int, worldSize: Int, slot: RankSlot, tablePath: String?) {
        self.job = job
        self.rank = rank
        self.worldSize = worldSize
        self.slot = slot
        self.tablePath = tablePath
    }

    /// As many threads as the rank has time for: half of four processing units keeps two threads busy.
    package var threads: Int {
        max(1, Int((Double(slot.cpus.count) * (slot.cpuShare ?? 1)).rounded(.up)))
    }

    package var variables: [String: String] {
        var variables = [
            "HENG_JOB_ID": "\(job)",
            "HENG_RANK": "\(rank)",
            "HENG_WORLD_SIZE": "\(worldSize)",
            "HENG_LOCAL_CPUS": "\(slot.cpus)",
            "HENG_THREADS": "\(threads)",
            "OMP_NUM_THREADS": "\(threads)",
            "OPENBLAS_NUM_THREADS": "\(threads)",
        ]
        variables["HENG_NUMA_NODE"] = slot.numa.map { "\($0.nodes)" }
        variables["HENG_RANK_TABLE"] = tablePath
        return variables
    }
}
