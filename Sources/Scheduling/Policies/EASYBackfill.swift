package import Essentials

/// Lets a later job start early when that cannot delay the reserved one.
///
/// A job that must end before the reserved job can start may use anything; any other job, and one without a time
/// limit, only what the reserved job leaves free at its start. This is EASY backfill (Lifka, 1995).
package struct EASYBackfill: QueuePolicy {
    package init() {}

    package func overtaking(
        byJobLimitedTo limit: Duration?, of reservation: Reservation, at now: TimePoint
    ) -> Overtaking {
        guard let limit else { return .whatIsLeftBeside }
        // A start that depends on a job without limit lies further off than any end.
        return reservation.start.map { now + limit <= $0 } ?? true ? .everything : .whatIsLeftBeside
    }
}
