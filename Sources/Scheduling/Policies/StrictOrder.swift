package import Essentials

/// Nobody overtakes: a job that does not fit holds back every job of its queue behind it.
package struct StrictOrder: QueuePolicy {
    package init() {}

    package func overtaking(
        byJobLimitedTo limit: Duration?, of reservation: Reservation, at now: TimePoint
    ) -> Overtaking { .nothing }
}
