internal import Essentials

/// The queue policies by the names that settings and recorded states use.
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

    package var policy: any PlacementPolicy {
        switch self {
        case .bestFit: BestFitPlacement()
        case .spread: SpreadPlacement()
        }
    }
}

/// Everything about scheduling that an operator may choose.
package struct SchedulingPolicy: Hashable, Codable, Sendable {
    package var queue: QueuePolicyName
    package var placement: PlacementPolicyName
    /// How long a job that was told to stop may take, in the estimates of when its resources come back.
    package var stopGrace: Duration
    /// Ended jobs that are remembered; the oldest are forgotten first.
    package var endedJobsKept: Int

    package init(
        queue: QueuePolicyName = .easyBackfill, placement: PlacementPolicyName = .bestFit,
        stopGrace: Duration = .seconds(10), endedJobsKept: Int = 1000
    ) {
        self.queue = queue
        self.placement = placement
        self.stopGrace = stopGrace
        self.endedJobsKept = endedJobsKept
    }
}
