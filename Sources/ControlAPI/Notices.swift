package import Essentials

/// A change of a job's state, as `GET /v1/events` sends it under the name `job`.
package struct JobNotice: Hashable, Codable, Sendable {
    package var job: JobID
    package var attempt: Int
    package var state: String
    /// What happened, in words.
    package var what: String
    package var time: TimePoint

    package init(job: JobID, attempt: Int, state: String, what: String, time: TimePoint) {
        self.job = job
        self.attempt = attempt
        self.state = state
        self.what = what
        self.time = time
    }
}

/// What a machine said about the last attempt of a job: `GET /v1/jobs/ID/runs`.
package struct JobRun: Hashable, Codable, Sendable {
    package var machine: String
    package var attempt: Int
    package var start: AttemptRun?
    package var end: AttemptEnd?

    package init(machine: String, attempt: Int, start: AttemptRun?, end: AttemptEnd?) {
        self.machine = machine
        self.attempt = attempt
        self.start = start
        self.end = end
    }
}
