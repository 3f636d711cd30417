import Essentials
import Foundation
import Scheduling

/// What a daemon has written: the jobs and the frame of the last checkpoint, and the events since.
struct WorldStore {
    private var frame: ClusterFrame
    private var jobs: [JobID: Job] = [:]
    private var events: [(time: TimePoint, event: Event)] = []

    init(_ state: ClusterState) { frame = state.frame }

    mutating func append(_ event: Event, at time: TimePoint) { events.append((time, event)) }

    /// Writes what has changed since the last time.
    mutating func checkpoint(_ state: inout ClusterState) {
        for id in state.takeChangedJobs() { jobs[id] = state.jobs[id].map { written($0) } }
        frame = state.frame
        events = []
    }

    /// Of a job to which nothing has happened only its numbers and whether it is held are written.
    private func written(_ job: Job) -> Job {
        guard job.isFresh else { return job }
        return Job(
            id: job.id, request: job.sharedRequest, array: job.array, submittedAt: job.submittedAt,
            isHeld: job.phase == .held)
    }

    /// The state as it was, and after it every event that was written.
    func recover(throughText: Bool) -> ClusterState {
        var state = ClusterState(frame: frame, jobs: jobs.values.sorted { $0.id < $1.id })
        if throughText, let read = try? reread(state) { state = read }
        // Only so many were changed since.
        _ = state.takeChangedJobs()
        for (time, event) in events {
            let read = throughText ? try? reread(event) : event
            _ = state.on(read ?? .timePassed, at: time)
        }
        return state
    }

    private func reread<Value: Codable>(_ value: Value) throws -> Value {
        try JSONDecoder().decode(Value.self, from: JSONEncoder().encode(value))
    }
}
