package import Essentials

/// The promise to the first job in the queue that does not fit now.
package struct Reservation: Hashable, Sendable {
    package var job: JobID
    /// The latest start if limits hold, or nil when that depends on a job without a limit.
    package var start: TimePoint?
    /// What is free at that start beside the reserved job, one entry per machine.
    package var beside: [FreeResources]
}

/// The part of a reservation that is kept and shown.
package struct PromisedStart: Hashable, Codable, Sendable {
    package var job: JobID
    package var start: TimePoint?
}

/// Resources that come back, and when.
struct ExpectedRelease {
    /// Nil when nobody knows; such releases come after all others.
    var time: TimePoint?
    var job: JobID
    var placement: Placement
    var machine: Int

    static func isEarlier(_ left: ExpectedRelease, _ right: ExpectedRelease) -> Bool {
        switch (left.time, right.time) {
        case (let mine?, let theirs?): (mine, left.job) < (theirs, right.job)
        case (.some, nil): true
        case (nil, .some): false
        case (nil, nil): left.job < right.job
        }
    }
}

/// Gives resources back in the order they are expected until the job fits.
///
/// Returns nil when it does not fit even then, which only happens after a machine left or shrank.
func makeReservation(
    for job: JobID, _ request: ResourceRequest, placer: Placer, free: [FreeResources],
    releases: [ExpectedRelease]
) -> Reservation? {
    var free = free
    var index = 0
    let releases = releases.sorted(by: ExpectedRelease.isEarlier)
    while index < releases.count {
        // All that come back at the same moment are one step.
        let time = releases[index].time
        repeat {
            let release = releases[index]
            free[release.machine].give(
                back: release.placement, of: placer.inventories[release.machine])
            index += 1
        } while index < releases.count && releases[index].time == time && time != nil
        guard let found = placer.place(request, on: free) else { continue }
        free[found.machine].take(found.placement, of: placer.inventories[found.machine])
        return Reservation(job: job, start: time, beside: free)
    }
    return nil
}
