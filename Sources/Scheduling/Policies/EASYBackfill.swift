package import Essentials

/// Lets a later job start early when that cannot delay the one reservation.
///
/// A job that must end before the reserved job can start may use anything; any other job, and one without a time
/// limit, only what the reserved job leaves free at its start. This is EASY backfill (Lifka, 1995).
package struct EASYBackfill: QueuePolicy {
    package init() {}

    package func room(
        forJobLimitedTo limit: Duration?, behind reservation: Reservation, free: [FreeResources],
        at now: TimePoint
    ) -> [FreeResources]? {
        if let limit, endsInTime(now + limit, reservation) { return free }
        return zip(free, reservation.beside).map { $0.common(with: $1) }
    }

    /// A start that depends on a job without limit lies further off than any end.
    private func endsInTime(_ end: TimePoint, _ reservation: Reservation) -> Bool {
        reservation.start.map { end <= $0 } ?? true
    }
}
