package import Essentials

/// What a user asks for: the resources, when and how long, how urgent, and what to print beside the job.
///
/// What is to be run lies outside, under `payload`, because placement never looks at it and a million waiting jobs
/// should not keep their environments in memory.
package struct JobRequest: Hashable, Codable, Sendable {
    package var resources: ResourceRequest
    /// The longest the job may hold its resources, counted from the moment it gets them.
    ///
    /// Without it the job may run for ever, and behind a reservation it starts only where it stays out of the way.
    package var timeLimit: Duration?
    /// Higher starts first; equal priorities start in the order of submission.
    package var priority: Int
    package var label: JobLabel
    /// The name of the queue; nil is the first queue.
    package var queue: String?
    /// When it may start, and when it must have ended.
    package var timing: JobTiming
    /// Jobs that must have started or ended before.
    package var dependencies: [Dependency]
    package var array: ArrayRequest?
    package var rerun: RerunPolicy
    package var isHeld: Bool
    /// A signal shortly before the time limit.
    package var warning: WarningSignal?
    /// The name of what is computed, to learn how long it takes on each kind of device; nil learns nothing.
    package var workload: String?
    /// Whoever submitted runs the processes, as `heng run` does, and not an agent.
    package var isAttached: Bool
    /// Where the store keeps what to run.
    package var payload: PayloadID?

    package init(
        resources: ResourceRequest = ResourceRequest(), timeLimit: Duration? = nil, priority: Int = 0,
        label: JobLabel, queue: String? = nil, timing: JobTiming = JobTiming(),
        dependencies: [Dependency] = [], array: ArrayRequest? = nil, rerun: RerunPolicy = RerunPolicy(),
        isHeld: Bool = false, warning: WarningSignal? = nil, workload: String? = nil,
        isAttached: Bool = false, payload: PayloadID? = nil
    ) {
        self.resources = resources
        self.timeLimit = timeLimit
        self.priority = priority
        self.label = label
        self.queue = queue
        self.timing = timing
        self.dependencies = dependencies
        self.array = array
        self.rerun = rerun
        self.isHeld = isHeld
        self.warning = warning
        self.workload = workload
        self.isAttached = isAttached
        self.payload = payload
    }
}

/// What people recognise a job by; placement never looks at it.
package struct JobLabel: Hashable, Codable, Sendable {
    package var user: String
    /// The share of the machines that the job is charged to; the user's own when nil.
    package var account: String?
    package var name: String
    package var command: [String]
    /// What the submitter wants to be found beside the job.
    package var comment: String?

    package init(
        user: String, account: String? = nil, name: String? = nil, command: [String], comment: String? = nil
    ) {
        self.comment = comment
        self.user = user
        self.account = account
        self.name = name ?? command.first.map(lastPathComponent) ?? ""
        self.command = command
    }
}

private func lastPathComponent(_ path: String) -> String {
    path.split(separator: "/").last.map(String.init) ?? path
}

/// The number under which the store keeps what jobs run.
package struct PayloadID: Hashable, Codable, Sendable {
    package var number: Int64

    package init(_ number: Int64) { self.number = number }

    package init(from decoder: any Decoder) throws {
        number = try decoder.singleValueContainer().decode(Int64.self)
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(number)
    }
}

/// When a job may start, and when it must have ended.
package struct JobTiming: Hashable, Codable, Sendable {
    package var begin: TimePoint?
    /// A job that cannot end by then is ended as DEADLINE, whether it waits or runs.
    package var deadline: TimePoint?

    package init(begin: TimePoint? = nil, deadline: TimePoint? = nil) {
        self.begin = begin
        self.deadline = deadline
    }
}

/// What must have happened to other jobs before this one may start.
package struct Dependency: Hashable, Codable, Sendable {
    package enum Kind: String, Hashable, Codable, Sendable, CaseIterable {
        /// They have started, or ended.
        case after
        case afterany
        case afterok
        case afternotok
        /// The task of the same index in that array has completed.
        case aftercorr
        /// No other job of the same user and name is there; needs no job.
        case singleton
    }

    package var kind: Kind
    /// Several are all needed.
    ///
    /// The number of an array stands for all of its tasks.
    package var jobs: [JobID]

    package init(_ kind: Kind, _ jobs: [JobID] = []) {
        self.kind = kind
        self.jobs = jobs
    }
}

/// Many jobs in one submission; they get consecutive numbers in the order of their indices.
package struct ArrayRequest: Hashable, Codable, Sendable {
    /// In rising order, each once.
    package var indices: [ClosedRange<Int>]
    package var step: Int
    /// So many tasks hold resources at once; nil is no limit.
    package var limit: Int?

    package init(indices: [ClosedRange<Int>], step: Int = 1, limit: Int? = nil) {
        self.indices = indices
        self.step = step
        self.limit = limit
    }

    package var count: Int { indices.reduce(0) { $0 + ($1.count - 1) / step + 1 } }

    /// The index of the task at a place in the order.
    package func index(at place: Int) -> Int {
        var left = place
        for range in indices {
            let count = (range.count - 1) / step + 1
            if left < count { return range.lowerBound + left * step }
            left -= count
        }
        preconditionFailure("an array has no task at place \(place)")
    }

    /// The place of an index in the order, or nil when the array has no such task.
    package func place(of index: Int) -> Int? {
        var before = 0
        for range in indices {
            if range.contains(index) {
                let offset = index - range.lowerBound
                return offset % step == 0 ? before + offset / step : nil
            }
            before += (range.count - 1) / step + 1
        }
        return nil
    }
}

/// What happens to a job whose attempt did not succeed.
package struct RerunPolicy: Hashable, Codable, Sendable {
    /// Whether it goes back to the queue when its machine is lost, or when another job takes its place.
    package var mayRequeue: Bool
    /// How often a failed attempt is tried again; the pause before it doubles from `backoff` on.
    package var retries: Int
    package var backoff: Duration
    /// An exit with this code means: the work is saved, put me back into the queue.
    package var requeueCode: Int32

    /// The code that HTCondor's users know.
    package static let usualRequeueCode: Int32 = 85

    package init(
        mayRequeue: Bool = true, retries: Int = 0, backoff: Duration = .seconds(10),
        requeueCode: Int32 = RerunPolicy.usualRequeueCode
    ) {
        self.mayRequeue = mayRequeue
        self.retries = retries
        self.backoff = backoff
        self.requeueCode = requeueCode
    }
}

/// `--signal B:USR1@60`: a signal so long before the time limit.
package struct WarningSignal: Hashable, Codable, Sendable {
    package var number: Int32
    package var before: Duration
    /// To the first process alone instead of to all.
    package var isBatchOnly: Bool

    package init(_ number: Int32, before: Duration = .seconds(60), isBatchOnly: Bool = false) {
        self.number = number
        self.before = before
        self.isBatchOnly = isBatchOnly
    }
}
