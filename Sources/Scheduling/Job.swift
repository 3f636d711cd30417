package import Essentials

/// A job and everything that is known about it.
///
/// A million of them may wait at once, so what only some have lies in a box of its own.
package struct Job: Hashable, Codable, Sendable {
    package let id: JobID
    private var boxedRequest: Boxed<JobRequest>
    /// The place in an array: the number of its first task, and this task's index.
    package let array: ArrayPlace?
    package var phase: JobPhase
    /// Counts from 1 and grows before each launch; reports about an older attempt are ignored.
    package var attempt = 0
    /// Attempts that failed and were tried again, for the limit of the `RerunPolicy`.
    package var failures = 0
    package let submittedAt: TimePoint
    /// It does not start before this.
    package var notBefore: TimePoint?
    package var endedAt: TimePoint?
    private var boxedRun: Boxed<Run>?

    private enum CodingKeys: String, CodingKey {
        case id, array, phase, attempt, failures, submittedAt, notBefore, endedAt
        case boxedRequest = "request"
        case boxedRun = "run"
    }

    /// What a job has while it holds resources, and had in its last attempt.
    package struct Run: Hashable, Codable, Sendable {
        /// When it got the resources; the time limit counts from here.
        package var placedAt: TimePoint
        package var startedAt: TimePoint?
        package var stopRequestedAt: TimePoint?
        package var suspendedAt: TimePoint?
        /// Time that it stood still, which its limit does not count.
        package var stoodStill = Duration.zero
        /// Whether it goes on as soon as its cores are free.
        package var wantsResume = false
        package var checkpointedAt: TimePoint?
        // In boxes, because times are looked at far more often than places.
        private var boxedPlacement: Boxed<Placement>
        private var boxedDecision: Boxed<PlacementDecision>?
        /// Parts that have reported their start, that stand still, and that have ended.
        package var startedParts: Set<String> = []
        package var suspendedParts: Set<String> = []
        package var endedParts: Set<String> = []

        private enum CodingKeys: String, CodingKey {
            case placedAt, startedAt, stopRequestedAt, suspendedAt, stoodStill, wantsResume, checkpointedAt
            case startedParts, suspendedParts, endedParts
            case boxedPlacement = "placement"
            case boxedDecision = "decision"
        }

        init(placedAt: TimePoint, placement: Placement, decision: PlacementDecision?) {
            self.placedAt = placedAt
            boxedPlacement = Boxed(placement)
            boxedDecision = decision.map { Boxed($0) }
        }

        package var placement: Placement {
            get { boxedPlacement.value }
            set { boxedPlacement.value = newValue }
        }
        package var decision: PlacementDecision? { boxedDecision?.value }
    }

    /// A job as it is submitted; a store makes one anew from what it has kept.
    ///
    /// It is held as its request says, unless `isHeld` says otherwise.
    package init(
        id: JobID, request: Boxed<JobRequest>, array: ArrayPlace? = nil, submittedAt: TimePoint,
        isHeld: Bool? = nil
    ) {
        self.id = id
        boxedRequest = request
        self.array = array
        self.submittedAt = submittedAt
        notBefore = request.value.timing.begin
        phase = isHeld ?? request.value.isHeld ? .held : .pending
    }

    package var request: JobRequest {
        get { boxedRequest.value }
        set { boxedRequest.value = newValue }
    }

    /// The request as it is shared by equal jobs.
    package var sharedRequest: Boxed<JobRequest> { boxedRequest }

    package var run: Run? {
        get { boxedRun?.value }
        set { boxedRun = newValue.map { Boxed($0) } }
    }

    package var placement: Placement? { run?.placement }
    package var decision: PlacementDecision? { run?.decision }
    package var placedAt: TimePoint? { run?.placedAt }
    package var startedAt: TimePoint? { run?.startedAt }

    /// Whether nothing has happened to it but its submission, and that it was held or released, so that its request,
    /// its numbers and its phase say everything.
    package var isFresh: Bool {
        attempt == 0 && failures == 0 && (phase == .pending || phase == .held) && endedAt == nil
            && boxedRun == nil && notBefore == request.timing.begin
    }
}

/// The place of a task in an array.
package struct ArrayPlace: Hashable, Codable, Sendable {
    package var first: JobID
    package var index: Int

    package init(first: JobID, index: Int) {
        self.first = first
        self.index = index
    }
}

extension Job {
    /// `12`, or `12_3` for the task 3 of the array 12.
    package var name: String { array.map { "\($0.first)_\($0.index)" } ?? "\(id)" }

    /// When it must be told to stop, and why; nil when it has no limit, holds nothing, stands still, or was told.
    package var limit: (time: TimePoint, reason: StopReason)? {
        guard phase == .launching || phase == .running, let run else { return nil }
        let limit = request.timeLimit.map { run.placedAt + $0 + run.stoodStill }
        switch (limit, request.timing.deadline) {
        case (let limit?, let deadline?):
            return limit <= deadline ? (limit, .timeLimit) : (deadline, .deadline)
        case (let limit?, nil): return (limit, .timeLimit)
        case (nil, let deadline?): return (deadline, .deadline)
        case (nil, nil): return nil
        }
    }

    /// When it must be told to stop.
    package var deadline: TimePoint? { limit?.time }

    /// When its resources come back at the latest, if everything goes by the rules; nil when nobody knows.
    func expectedEnd(at now: TimePoint, stopGrace: Duration) -> TimePoint? {
        if let asked = run?.stopRequestedAt { return max(now, asked + stopGrace) }
        return limit.map { max(now, $0.time) }
    }

    /// How long it has waited so far, or waited before its last start or its end.
    package func waited(at now: TimePoint) -> Duration {
        max(.zero, (placedAt ?? endedAt ?? now) - submittedAt)
    }

    /// How long it has held its resources, or held them; nil when it never did.
    package func elapsed(at now: TimePoint) -> Duration? {
        placedAt.map { max(.zero, (endedAt ?? now) - $0) }
    }

    /// The work that is lost if it is stopped now: core-time since its start, or since it last saved its work.
    package func workAtRisk(at now: TimePoint) -> Double {
        guard let run else { return 0 }
        let since = max(run.checkpointedAt ?? .zero, run.placedAt)
        return max(0, (now - since).inSeconds) * max(0.001, run.placement.cores.inCores)
    }
}
