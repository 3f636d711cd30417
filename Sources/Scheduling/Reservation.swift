package import Essentials
internal import HeapModule

/// The promise to the first job of a queue that does not fit now.
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

/// When a job gives its resources back, as far as anybody knows.
struct ExpectedRelease: Comparable {
    /// Nil when nobody knows; such releases come after all others.
    var time: TimePoint?
    var job: JobID

    static func < (left: ExpectedRelease, right: ExpectedRelease) -> Bool {
        switch (left.time, right.time) {
        case (let mine?, let theirs?): (mine, left.job) < (theirs, right.job)
        case (.some, nil): true
        case (nil, .some): false
        case (nil, nil): left.job < right.job
        }
    }
}

/// What a job holds, and on which machines.
struct Holding {
    var placement: Placement
    /// The machine of each part.
    var machines: [Int]
    /// What comes back: of a job that stands still only what it kept.
    var extent: FreeResources.Extent
}

/// Gives resources back in the order they are expected until the job fits.
///
/// Returns nil when it does not fit even then, which only happens after a machine left, shrank or closed.
func makeReservation(
    for job: JobID, _ wish: Placer.Wish, placer: Placer, free: [FreeResources], releases: [ExpectedRelease],
    holding: (JobID) -> Holding?
) -> Reservation? {
    var free = free
    // Most reservations need only the first few.
    var releases = Heap(releases)
    let spansMachines = wish.resources.spread == .acrossMachines && wish.resources.ranks > 1
    while let first = releases.popMin() {
        var touched: Set<Int> = []
        func giveBack(_ release: ExpectedRelease) {
            guard let held = holding(release.job) else { return }
            free.give(back: held.placement, on: held.machines, of: placer.inventories, held.extent)
            touched.formUnion(held.machines)
        }
        giveBack(first)
        // All that come back at the same moment are one step.
        while first.time != nil, releases.min?.time == first.time, let next = releases.popMin() {
            giveBack(next)
        }
        // Only there something has changed.
        guard let found = placer.place(wish, on: free, among: spansMachines ? nil : touched.sorted()) else {
            continue
        }
        free.take(found.placement, on: found.machines, of: placer.inventories)
        return Reservation(job: job, start: first.time, beside: free)
    }
    return nil
}
