package import Essentials

/// What jobs behind the first blocked one of their queue may do.
///
/// The order of the queue is fixed by its `OrderPolicyName`. The first job in it that does not fit gets a reservation;
/// a policy says what a job behind it may use. To add a policy, write one file in `Policies/` and name it in
/// `Policies/PolicyNames.swift`.
package protocol QueuePolicy: Sendable {
    /// What a job with this time limit may use now, although an earlier one has to wait.
    func overtaking(
        byJobLimitedTo limit: Duration?, of reservation: Reservation, at now: TimePoint
    ) -> Overtaking
}

/// What a job may use that stands behind a reserved one.
package enum Overtaking: Hashable, Sendable {
    /// It waits its turn, and so does everything behind it.
    case nothing
    /// What the reserved job leaves free at its start.
    case whatIsLeftBeside
    /// Anything that is free now, because it will have given that back in time.
    case everything
}
