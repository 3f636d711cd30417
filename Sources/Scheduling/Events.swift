package import Essentials

/// Everything that can change a cluster; a recorded sequence of these, with their times, is its whole history.
package enum Event: Hashable, Codable, Sendable {
    /// A machine lends itself, or describes itself anew, which counts once nothing of it is lent.
    case machineJoined(Machine)
    /// A machine is gone and the jobs on it with it.
    case machineLost(String)
    case submitted(JobRequest)
    case held(JobID)
    case released(JobID)
    case started(JobID, attempt: Int)
    case exited(JobID, attempt: Int, JobOutcome)
    case cancelRequested(JobID)
    case requeueRequested(JobID)
    /// Whoever watched the job is gone.
    case ownerLost(JobID)
    /// Nothing but time passed; needed at each `ClusterState.nextDeadline`.
    case timePassed
}

/// What should happen because of an event.
package enum Action: Hashable, Codable, Sendable {
    case accepted(JobID)
    case refused(RequestError)
    case start(JobID, attempt: Int, Placement)
    case stop(JobID, attempt: Int, StopReason)
    /// The first job of a group of equal ones waits for a new reason.
    case waits(JobID, WaitReason)
    case ended(JobID, JobEnd)
    case requeued(JobID)
    /// The event made no sense and changed nothing: a bug, or a report that came too late.
    case ignored(IgnoredEvent)
}

package enum IgnoredEvent: Hashable, Codable, Sendable {
    case unknownJob(JobID)
    case unknownMachine(String)
    /// The machine has jobs, so its old description stays.
    case machineBusy(String)
    case oldAttempt(JobID, reported: Int, current: Int)
    case impossible(JobID, JobEvent, state: String)
}

extension Event: CustomStringConvertible {
    /// One short line for a log.
    package var description: String {
        switch self {
        case .machineJoined(let machine): "machine \(machine.name) joined"
        case .machineLost(let name): "machine \(name) lost"
        case .submitted(let request): "\(request.label.name) submitted by \(request.label.user)"
        case .held(let job): "job \(job) held"
        case .released(let job): "job \(job) released"
        case .started(let job, let attempt): "job \(job).\(attempt) started"
        case .exited(let job, let attempt, let outcome): "job \(job).\(attempt) exited: \(outcome)"
        case .cancelRequested(let job): "cancel of job \(job) requested"
        case .requeueRequested(let job): "requeue of job \(job) requested"
        case .ownerLost(let job): "owner of job \(job) lost"
        case .timePassed: "time passed"
        }
    }
}

extension Action: CustomStringConvertible {
    /// One short line for a log.
    package var description: String {
        switch self {
        case .accepted(let job): "accept job \(job)"
        case .refused(let error): "refuse: \(error.summary)"
        case .start(let job, let attempt, let placement): "start job \(job).\(attempt) on \(placement)"
        case .stop(let job, let attempt, let reason): "stop job \(job).\(attempt): \(reason.rawValue)"
        case .waits(let job, let reason): "job \(job) \(reason)"
        case .ended(let job, let end): "job \(job) ended as \(end.stateName): \(end)"
        case .requeued(let job): "job \(job) queued again"
        case .ignored(let event): "ignored: \(event)"
        }
    }
}

extension IgnoredEvent: CustomStringConvertible {
    package var description: String {
        switch self {
        case .unknownJob(let job): "job \(job) is not known, or no longer"
        case .unknownMachine(let name): "machine \(name) is not known"
        case .machineBusy(let name): "machine \(name) has jobs, so its old description stays"
        case .oldAttempt(let job, let reported, let current):
            "job \(job) is in attempt \(current), the report is about \(reported)"
        case .impossible(let job, let event, let state): "job \(job) is \(state), which excludes \(event)"
        }
    }
}
