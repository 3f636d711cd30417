internal import Essentials

/// What jobs behind a blocked one may do, by the names that settings and recorded states use.
package enum QueuePolicyName: String, Hashable, Codable, Sendable, CaseIterable {
    case easyBackfill = "easy-backfill"
    case strictOrder = "strict-order"

    package var policy: any QueuePolicy {
        switch self {
        case .easyBackfill: EASYBackfill()
        case .strictOrder: StrictOrder()
        }
    }
}

/// The placement policies by the names that settings and recorded states use.
package enum PlacementPolicyName: String, Hashable, Codable, Sendable, CaseIterable {
    case bestFit = "best-fit"
    case spread
    case affinity
    case fastestFinish = "fastest-finish"

    package var policy: any PlacementPolicy {
        switch self {
        case .bestFit: BestFitPlacement()
        case .spread: SpreadPlacement()
        case .affinity: AffinityPlacement()
        case .fastestFinish: FastestFinishPlacement()
        }
    }
}

/// Everything about scheduling that holds for all queues.
package struct SchedulingPolicy: Hashable, Codable, Sendable {
    /// The policies of the queue that is there from the beginning.
    package var queue: QueuePolicyName
    package var placement: PlacementPolicyName
    /// How long a job that was told to stop may take, in the estimates of when its resources come back.
    package var stopGrace: Duration
    /// Ended jobs that are remembered; the oldest are forgotten first.
    package var endedJobsKept: Int
    /// Classes of waiting jobs that one round looks at; the next round goes on behind them.
    package var classesPerRound: Int
    /// In which time used core-time loses half of its weight in fair share.
    package var halfLife: Duration
    /// Attempts that end with `supervisorLost`, or with their machine, in a row before a job is given up.
    package var lossesAllowed: Int

    package init(
        queue: QueuePolicyName = .easyBackfill, placement: PlacementPolicyName = .bestFit,
        stopGrace: Duration = .seconds(10), endedJobsKept: Int = 1000, classesPerRound: Int = 1000,
        halfLife: Duration = .seconds(7 * 86400), lossesAllowed: Int = 5
    ) {
        self.queue = queue
        self.placement = placement
        self.stopGrace = stopGrace
        self.endedJobsKept = endedJobsKept
        self.classesPerRound = classesPerRound
        self.halfLife = halfLife
        self.lossesAllowed = lossesAllowed
    }
}
