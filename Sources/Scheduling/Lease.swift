package import Essentials

/// The right of a job to use its placement until it is given back.
package struct Lease: Hashable, Codable, Sendable {
    package var job: JobID
    package var attempt: Int
    package var request: JobRequest
    package var placement: Placement
    package var decision: PlacementDecision?

    /// Nil for a job that holds nothing.
    package init?(_ job: Job) {
        guard let placement = job.placement else { return nil }
        self.job = job.id
        attempt = job.attempt
        request = job.request
        self.placement = placement
        decision = job.decision
    }
}
