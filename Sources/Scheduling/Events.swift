package import Essentials

/// Everything that can change a cluster; a recorded sequence of these, with their times, is its whole history.
package enum Event: Hashable, Codable, Sendable {
    // Machines
    /// A machine lends itself, or describes itself anew, which counts once nothing of it is lent.
    case machineJoined(Machine)
    /// A machine is gone and the jobs on it with it.
    case machineLost(String)
    /// Nothing has been heard of a machine, so it gets no new work; its jobs may still run.
    case machineSilent(String)
    case machineHeard(String)
    /// No new work, on an operator's word.
    case drained(String, why: String)
    case undrained(String)
    case healthChanged(MachinePart, HealthLevel, why: String)
    /// What came of a reset that was asked for; no failure is success.
    case resetEnded(MachinePart, failure: String?)

    // Jobs
    case submitted(JobRequest)
    case held(JobID)
    case released(JobID)
    case changed(JobID, JobChange)
    case started(JobID, attempt: Int, machine: String? = nil)
    case exited(JobID, attempt: Int, JobOutcome, machine: String? = nil)
    case cancelRequested(JobID)
    case requeueRequested(JobID)
    case suspendRequested(JobID)
    case suspended(JobID, attempt: Int, machine: String? = nil)
    case resumeRequested(JobID)
    /// The job has saved its work, so that an end from now on loses only what comes after.
    case checkpointed(JobID, attempt: Int)
    /// Whoever watched the job is gone.
    case ownerLost(JobID)

    // Queues and virtual devices
    case queueSet(Queue)
    case queueRemoved(String)
    case quotaSet(account: String, AccountSettings)
    case deviceMade(NamedDeviceRequest)
    case deviceResized(String, NamedDeviceRequest.Amounts)
    /// Its limits were tried out, with what came of it.
    case deviceTested(String, DeviceTest)
    case deviceDeleted(String)

    // Speed
    /// How long one piece of a workload takes on a kind of device, from a benchmark.
    case speedMeasured(SpeedSample)

    /// Nothing but time passed; needed at each `ClusterState.nextWakeUp`.
    case timePassed
}

/// What an operator or the owner may change about a job that has not ended.
package enum JobChange: Hashable, Codable, Sendable {
    case priority(Int)
    case timeLimit(Duration?)
    case queue(String)
    case begin(TimePoint?)
}

/// What should happen because of an event.
package enum Action: Hashable, Codable, Sendable {
    case accepted(JobID)
    case refused(RequestError)
    /// On every machine of the placement.
    case start(JobID, attempt: Int, Placement)
    case stop(JobID, attempt: Int, StopReason)
    case suspend(JobID, attempt: Int)
    case resume(JobID, attempt: Int)
    /// The virtual device that the job lies in has a new size.
    case resize(JobID, attempt: Int, Placement)
    /// The first job of a group of equal ones waits for a new reason.
    case waits(JobID, WaitReason)
    case ended(JobID, JobEnd)
    case requeued(JobID)
    /// A virtual device was made or resized, and its limits are to be tried out.
    case test(String)
    /// A virtual device is no more, so nothing of it is to be kept on its machine.
    case deleteDevice(String, machine: String)
    /// A part that is unhealthy and now has no work is to be reset.
    case reset(MachinePart, why: String)
    /// The event made no sense and changed nothing: a bug, or a report that came too late.
    case ignored(IgnoredEvent)
}

package enum IgnoredEvent: Hashable, Codable, Sendable {
    case unknownJob(JobID)
    case unknownMachine(String)
    case unknownQueue(String)
    case unknownDevice(String)
    /// The machine has jobs, so its old description stays.
    case machineBusy(String)
    case queueBusy(String)
    case deviceBusy(String)
    case unknownPart(MachinePart)
    case notBeingReset(MachinePart)
    case oldAttempt(JobID, reported: Int, current: Int)
    case impossible(JobID, JobEvent, state: String)
    case notAllowed(JobID, String)
}

extension Event: CustomStringConvertible {
    /// One short line for a log.
    package var description: String {
        switch self {
        case .machineJoined(let machine): "machine \(machine.name) joined"
        case .machineLost(let name): "machine \(name) lost"
        case .machineSilent(let name): "machine \(name) silent"
        case .machineHeard(let name): "machine \(name) heard again"
        case .drained(let name, let why): "machine \(name) drained: \(why)"
        case .undrained(let name): "machine \(name) undrained"
        case .healthChanged(let part, let level, let why): "\(part) is \(level.rawValue): \(why)"
        case .resetEnded(let part, nil): "\(part) was reset"
        case .resetEnded(let part, let failure?): "\(part) could not be reset: \(failure)"
        case .submitted(let request): "\(request.label.name) submitted by \(request.label.user)"
        case .held(let job): "job \(job) held"
        case .released(let job): "job \(job) released"
        case .changed(let job, let change): "job \(job) changed: \(change)"
        case .started(let job, let attempt, _): "job \(job).\(attempt) started"
        case .exited(let job, let attempt, let outcome, _): "job \(job).\(attempt) exited: \(outcome)"
        case .cancelRequested(let job): "cancel of job \(job) requested"
        case .requeueRequested(let job): "requeue of job \(job) requested"
        case .suspendRequested(let job): "suspension of job \(job) requested"
        case .suspended(let job, let attempt, _): "job \(job).\(attempt) suspended"
        case .resumeRequested(let job): "resumption of job \(job) requested"
        case .checkpointed(let job, let attempt): "job \(job).\(attempt) saved its work"
        case .ownerLost(let job): "owner of job \(job) lost"
        case .queueSet(let queue): "queue \(queue.name) set"
        case .queueRemoved(let name): "queue \(name) removed"
        case .quotaSet(let account, _): "quota of \(account) set"
        case .deviceMade(let request): "virtual device \(request.name) asked for"
        case .deviceResized(let name, _): "virtual device \(name) resized"
        case .deviceTested(let name, _): "virtual device \(name) tested"
        case .deviceDeleted(let name): "virtual device \(name) deleted"
        case .speedMeasured(let sample): "speed of \(sample.workload) on \(sample.device) measured"
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
        case .stop(let job, let attempt, let reason): "stop job \(job).\(attempt): \(reason)"
        case .suspend(let job, let attempt): "suspend job \(job).\(attempt)"
        case .resume(let job, let attempt): "resume job \(job).\(attempt)"
        case .resize(let job, let attempt, let placement): "resize job \(job).\(attempt) to \(placement)"
        case .waits(let job, let reason): "job \(job) \(reason)"
        case .ended(let job, let end): "job \(job) ended as \(end.stateName): \(end)"
        case .requeued(let job): "job \(job) queued again"
        case .test(let name): "test virtual device \(name)"
        case .deleteDevice(let name, let machine): "delete virtual device \(name) of \(machine)"
        case .reset(let part, _): "reset \(part)"
        case .ignored(let event): "ignored: \(event)"
        }
    }
}

extension IgnoredEvent: CustomStringConvertible {
    package var description: String {
        switch self {
        case .unknownJob(let job): "job \(job) is not known, or no longer"
        case .unknownMachine(let name): "machine \(name) is not known"
        case .unknownQueue(let name): "queue \(name) is not known"
        case .unknownDevice(let name): "virtual device \(name) is not known"
        case .machineBusy(let name): "machine \(name) has jobs, so its old description stays"
        case .queueBusy(let name): "queue \(name) has jobs, or is the only one"
        case .deviceBusy(let name): "virtual device \(name) is in use"
        case .unknownPart(let part): "\(part) is not known"
        case .notBeingReset(let part): "\(part) is not being reset, or no longer"
        case .oldAttempt(let job, let reported, let current):
            "job \(job) is in attempt \(current), the report is about \(reported)"
        case .impossible(let job, let event, let state): "job \(job) is \(state) and cannot \(event)"
        case .notAllowed(let job, let why): "job \(job): \(why)"
        }
    }
}
