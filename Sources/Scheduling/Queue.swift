package import Essentials

/// Where jobs wait: in which order they start, how they are placed, whom they may push aside, and how much they may use.
package struct Queue: Hashable, Codable, Sendable {
    package var name: String
    /// Queues of a higher tier are looked at first, and may push aside jobs of lower tiers.
    package var tier: Int
    package var order: OrderPolicyName
    package var backfill: QueuePolicyName
    package var placement: PlacementPolicyName
    /// Priority that a job gains for each hour it waits, with the order `priority` and `fair-share`.
    package var ageing: Int
    package var preemption: Preemption
    package var limits: QueueLimits
    /// Whether it takes new jobs.
    package var isOpen: Bool
    /// Whether its jobs start.
    package var isStarted: Bool

    package init(
        name: String, tier: Int = 0, order: OrderPolicyName = .priority,
        backfill: QueuePolicyName = .easyBackfill, placement: PlacementPolicyName = .bestFit,
        ageing: Int = 0, preemption: Preemption = Preemption(), limits: QueueLimits = QueueLimits(),
        isOpen: Bool = true, isStarted: Bool = true
    ) {
        self.name = name
        self.tier = tier
        self.order = order
        self.backfill = backfill
        self.placement = placement
        self.ageing = ageing
        self.preemption = preemption
        self.limits = limits
        self.isOpen = isOpen
        self.isStarted = isStarted
    }
}

/// What happens to the jobs of a queue when a job of a higher tier needs their place.
package struct Preemption: Hashable, Codable, Sendable {
    package enum Mode: String, Hashable, Codable, Sendable, CaseIterable {
        case off, requeue, cancel, suspend
    }

    package var mode: Mode
    /// Between the request to end and the end by force.
    package var grace: Duration
    /// A job is left alone for so long after each start.
    package var minimumRun: Duration

    package init(mode: Mode = .off, grace: Duration = .seconds(10), minimumRun: Duration = .zero) {
        self.mode = mode
        self.grace = grace
        self.minimumRun = minimumRun
    }
}

/// How much jobs may use at once; nil is no limit.
package struct Quota: Hashable, Codable, Sendable {
    package var runningJobs: Int?
    package var cores: CoreAmount?
    package var memory: ByteCount?
    /// In shares of whole devices that are not NUMA nodes.
    package var devices: Int?

    package init(
        runningJobs: Int? = nil, cores: CoreAmount? = nil, memory: ByteCount? = nil, devices: Int? = nil
    ) {
        self.runningJobs = runningJobs
        self.cores = cores
        self.memory = memory
        self.devices = devices
    }
}

/// The limits of a queue.
package struct QueueLimits: Hashable, Codable, Sendable {
    /// For jobs that name none.
    package var defaultTimeLimit: Duration?
    package var longestTimeLimit: Duration?
    package var total: Quota
    package var perUser: Quota
    /// Jobs that a user may have waiting or running; more are refused.
    package var jobsPerUser: Int?
    package var jobs: Int?

    package init(
        defaultTimeLimit: Duration? = nil, longestTimeLimit: Duration? = nil, total: Quota = Quota(),
        perUser: Quota = Quota(), jobsPerUser: Int? = nil, jobs: Int? = nil
    ) {
        self.defaultTimeLimit = defaultTimeLimit
        self.longestTimeLimit = longestTimeLimit
        self.total = total
        self.perUser = perUser
        self.jobsPerUser = jobsPerUser
        self.jobs = jobs
    }
}

/// What an account may use, and its part in fair share.
package struct AccountSettings: Hashable, Codable, Sendable {
    /// In proportion to the shares of the other accounts.
    package var shares: Int
    package var quota: Quota

    package init(shares: Int = 1, quota: Quota = Quota()) {
        self.shares = shares
        self.quota = quota
    }
}

/// The order in which the jobs of a queue start.
package enum OrderPolicyName: String, Hashable, Codable, Sendable, CaseIterable {
    /// First come, first served.
    case fifo
    /// By priority, which grows with age if the queue says so.
    case priority
    /// By priority, and the more an account has used lately in proportion to its shares, the later.
    case fairShare = "fair-share"
    /// The nearest deadline first.
    case deadline
}
