package import Essentials

/// Nobody overtakes: a job that does not fit holds back every job behind it.
package struct StrictOrder: QueuePolicy {
    package init() {}

    package func room(
        forJobLimitedTo limit: Duration?, behind reservation: Reservation, free: [FreeResources],
        at now: TimePoint
    ) -> [FreeResources]? { nil }
}
