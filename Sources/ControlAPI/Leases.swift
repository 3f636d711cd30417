package import Essentials
package import Scheduling

// Jobs that a command runs by itself, in its own terminal, on what the daemon lends it.
//
// `POST /v1/leases` asks for a lease. The answer is a stream of events, `LeaseNews`, which is the lease: when the
// connection ends before the job has, the command is gone and so are its processes. After a restart of the daemon the
// command has a while to come back with `POST /v1/leases/JOB`. What it has to say are `AgentReport`s of this one job,
// sent to `POST /v1/leases/JOB/reports`.

/// The body of `POST /v1/leases`.
package struct LeaseRequest: Hashable, Codable, Sendable {
    package var job: JobRequest
    package init(job: JobRequest) { self.job = job }
}

/// What the daemon says to the command of an attached job.
package enum LeaseNews: Hashable, Codable, Sendable {
    case accepted(JobID)
    case waiting(WaitReason)
    /// The processes may start.
    case granted(Lease)
    /// The processes are to end.
    case stop(StopReason)
    case signal(number: Int32, toFirstOnly: Bool)
    /// The last word; a job that was not granted anything has nothing to report then.
    case ended(JobEnd)

    /// The name of these events in the stream.
    package static let eventName = "lease"
}
