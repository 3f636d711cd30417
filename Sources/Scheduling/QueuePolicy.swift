package import Essentials

/// What jobs behind the first blocked one may do.
///
/// The order of the queue is fixed: higher priority first, then the order of submission. The first job in it that does
/// not fit gets a reservation; a policy says which resources a job behind it may use. To add a policy, write one file
/// in `Policies/` and name it in `Policies/PolicyNames.swift`.
package protocol QueuePolicy: Sendable {
    /// The resources that a job may start on now, one entry per machine, or nil when it has to wait its turn.
    ///
    /// `free` is what is free now. What is returned must lie within it.
    func room(
        forJobLimitedTo limit: Duration?, behind reservation: Reservation, free: [FreeResources],
        at now: TimePoint
    ) -> [FreeResources]?
}
