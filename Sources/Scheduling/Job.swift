package import Essentials

/// A job and everything that is known about it.
package struct Job: Hashable, Codable, Sendable {
    package let id: JobID
    package let request: JobRequest
    package var phase: JobPhase
    /// Counts from 1 and grows before each launch; reports about an older attempt are ignored.
    package var attempt = 0
    package let submittedAt: TimePoint
    /// When it got the resources of the current attempt; the time limit counts from here.
    package var placedAt: TimePoint?
    package var startedAt: TimePoint?
    package var stopRequestedAt: TimePoint?
    package var endedAt: TimePoint?
    /// What it has, or had in its last attempt.
    package var placement: Placement?
    package var decision: PlacementDecision?

    package init(id: JobID, request: JobRequest, submittedAt: TimePoint) {
        self.id = id
        self.request = request
        self.submittedAt = submittedAt
        phase = .pending
    }

    /// When it must be told to stop; nil when it has no limit, holds nothing, or was told already.
    package var deadline: TimePoint? {
        switch phase {
        case .launching, .running:
            if let placedAt, let limit = request.timeLimit { placedAt + limit } else { nil }
        case .held, .pending, .suspending, .suspended, .completing, .ended: nil
        }
    }

    /// When its resources come back at the latest, if everything goes by the rules; nil when nobody knows.
    func expectedEnd(at now: TimePoint, stopGrace: Duration) -> TimePoint? {
        if let stopRequestedAt { return max(now, stopRequestedAt + stopGrace) }
        return deadline.map { max(now, $0) }
    }

    /// How long it has waited so far, or waited before its last start or its end.
    package func waited(at now: TimePoint) -> Duration { (placedAt ?? endedAt ?? now) - submittedAt }

    /// How long it has held its resources, or held them; nil when it never did.
    package func elapsed(at now: TimePoint) -> Duration? {
        placedAt.map { (endedAt ?? now) - $0 }
    }
}

/// Jobs by number, kept in rising order, so that equal contents are equal and encode alike.
package struct JobList: Hashable, Codable, Sendable {
    private var jobs: [Job] = []

    package var all: [Job] { jobs }
    package var count: Int { jobs.count }

    package subscript(id: JobID) -> Job? {
        index(of: id).map { jobs[$0] }
    }

    /// Appends a job with a number above all others.
    mutating func append(_ job: Job) {
        precondition(jobs.last.map { $0.id < job.id } ?? true, "job numbers grow")
        jobs.append(job)
    }

    mutating func remove(_ id: JobID) {
        if let index = index(of: id) { jobs.remove(at: index) }
    }

    mutating func update<Value>(_ id: JobID, _ change: (inout Job) -> Value) -> Value {
        guard let index = index(of: id) else { preconditionFailure("job \(id) is not in the list") }
        return change(&jobs[index])
    }

    private func index(of id: JobID) -> Int? {
        let index = jobs.firstIndex(notBefore: id, key: \.id)
        return index < jobs.count && jobs[index].id == id ? index : nil
    }
}

extension Array {
    /// The first place in this rising array whose key is not below `key`.
    func firstIndex<Key: Comparable>(notBefore key: Key, key of: (Element) -> Key) -> Int {
        var low = 0
        var high = count
        while low < high {
            let middle = (low + high) / 2
            if of(self[middle]) < key { low = middle + 1 } else { high = middle }
        }
        return low
    }
}
