package import Essentials

/// Where a job is in its life.
package enum JobPhase: Hashable, Codable, Sendable {
    case held
    case pending
    /// It has its resources; its processes are being started.
    case launching
    case running
    /// It is being stopped in its tracks, and still has its resources.
    case suspending
    /// Its processes stand still; it keeps memory and devices, and its cores are lent to others.
    case suspended
    /// It was told to stop and still has its resources.
    case completing(StopReason)
    case ended(JobEnd)
}

/// Why a job was told to stop.
package enum StopReason: Hashable, Codable, Sendable {
    case cancelled
    case timeLimit
    /// It cannot end before its deadline any more.
    case deadline
    /// Back to the queue on request.
    case requeue
    /// A job that goes first needs its place.
    case preempted(by: JobID, returns: Bool)
    /// Its machine or device is unhealthy, so that it starts again elsewhere.
    case fault(String, returns: Bool)
    /// Another part of it has ended, and the parts only make sense together.
    case partEnded(JobOutcome)
}

/// What happens to a job, as its life cycle sees it.
package enum JobEvent: Hashable, Codable, Sendable {
    case held
    case released
    case placed
    case started
    case exited(JobOutcome)
    case stopRequested(StopReason)
    case suspendRequested
    /// All of its processes stand still.
    case suspended
    case resumed
    /// Whoever watched its processes is gone, so nobody knows how they are.
    case ownerLost
    /// The machine that it ran on is gone.
    case machineLost
    /// It can never start, for instance because a job it depends on has failed.
    case impossible(String)
}

/// How the processes of an attempt came to their end, as reported by whoever started them.
package enum JobOutcome: Hashable, Codable, Sendable {
    case exited(code: Int32)
    case signalled(Int32)
    case outOfMemory(MemoryDeath)
    /// SIGKILL, and neither the kernel's accounting nor we did it.
    case killedFromOutside
    /// Over its time limit, by the clock of its supervisor.
    case overTime
    /// Nobody knows: its supervisor was killed.
    case supervisorLost
    /// It did not end after SIGKILL.
    case hanging
    /// No process of it ever ran.
    case launchFailed(String)
}

/// What ran out when processes were ended for memory.
package struct MemoryDeath: Hashable, Codable, Sendable {
    package enum Cause: Hashable, Codable, Sendable {
        /// The job's own limit.
        case quota
        /// The limit of the virtual device that the job lies in.
        case virtualDevice
        /// The node that it was bound to, by the operating system's number.
        case node(Int)
        /// The machine.
        case host
        /// The memory of an accelerator.
        case device
    }

    package var cause: Cause
    package var limit: ByteCount?
    package var peak: ByteCount?

    package init(_ cause: Cause, limit: ByteCount? = nil, peak: ByteCount? = nil) {
        self.cause = cause
        self.limit = limit
        self.peak = peak
    }
}

/// How a job ended, in the words that Slurm users know.
package enum JobEnd: Hashable, Codable, Sendable {
    case completed
    case failed(JobOutcome)
    case cancelled
    /// It could never have started, for the reason given.
    case impossible(String)
    case timeout
    case deadline
    case outOfMemory(MemoryDeath)
    case preempted(by: JobID)
    case launchFailed(String)
    /// The command or machine that watched over it died.
    case lost
}

extension JobPhase {
    /// The next phase, or nil when the event makes no sense here and is a bug worth logging.
    ///
    /// `.exited` from a phase that nobody ended gives the plain end; whether the job is tried again is decided by its
    /// `RerunPolicy`, outside.
    package func next(after event: JobEvent) -> JobPhase? {
        switch (self, event) {
        case (.pending, .held): .held
        case (.held, .released): .pending
        case (.pending, .placed): .launching
        case (.launching, .started): .running
        case (.completing, .started): self
        case (.held, .stopRequested(.cancelled)), (.pending, .stopRequested(.cancelled)): .ended(.cancelled)
        case (.held, .stopRequested(.deadline)), (.pending, .stopRequested(.deadline)): .ended(.deadline)
        case (.held, .impossible(let why)), (.pending, .impossible(let why)): .ended(.impossible(why))
        case (.launching, .stopRequested(let reason)), (.running, .stopRequested(let reason)),
            (.suspending, .stopRequested(let reason)), (.suspended, .stopRequested(let reason)):
            .completing(reason)
        case (.completing(let old), .stopRequested(let new)): new.outranks(old) ? .completing(new) : self
        case (.running, .suspendRequested): .suspending
        case (.suspending, .suspended): .suspended
        case (.suspending, .resumed), (.suspended, .resumed): .running
        case (.launching, .exited(let outcome)), (.running, .exited(let outcome)),
            (.suspending, .exited(let outcome)), (.suspended, .exited(let outcome)):
            .ended(JobEnd(outcome))
        case (.completing(let reason), .exited(let outcome)): reason.phase(after: outcome)
        case (.ended, _): nil
        case (_, .ownerLost): .ended(.lost)
        case (.held, .machineLost), (.pending, .machineLost): nil
        case (_, .machineLost): .ended(.lost)
        default: nil
        }
    }

    package var holdsResources: Bool {
        switch self {
        case .launching, .running, .suspending, .suspended, .completing: true
        case .held, .pending, .ended: false
        }
    }

    package var isEnded: Bool {
        if case .ended = self { true } else { false }
    }

    package var isWaiting: Bool { self == .held || self == .pending }

    /// The state's name in tables and JSON: Slurm's where it has one.
    package var stateName: String {
        switch self {
        case .held: "HELD"
        case .pending: "PENDING"
        case .launching: "LAUNCHING"
        case .running: "RUNNING"
        case .suspending, .suspended: "SUSPENDED"
        case .completing(.preempted): "PREEMPTING"
        case .completing: "COMPLETING"
        case .ended(let end): end.stateName
        }
    }
}

extension StopReason {
    /// Whether it takes the place of a reason given before: what ends a job for good beats what brings it back.
    fileprivate func outranks(_ other: StopReason) -> Bool { other.returns && !returns }

    /// Whether the job goes back to the queue.
    package var returns: Bool {
        switch self {
        case .requeue: true
        case .preempted(_, let returns), .fault(_, let returns): returns
        case .cancelled, .timeLimit, .deadline, .partEnded: false
        }
    }

    fileprivate func phase(after outcome: JobOutcome) -> JobPhase {
        switch self {
        case .cancelled: .ended(.cancelled)
        case .timeLimit: .ended(.timeout)
        case .deadline: .ended(.deadline)
        case .requeue: .pending
        case .preempted(let other, let returns): returns ? .pending : .ended(.preempted(by: other))
        case .fault(_, let returns): returns ? .pending : .ended(.lost)
        case .partEnded(let first): .ended(JobEnd(first))
        }
    }
}

extension JobEnd {
    /// The end of a job that nobody told to stop.
    package init(_ outcome: JobOutcome) {
        self =
            switch outcome {
            case .exited(0): .completed
            case .exited, .signalled, .killedFromOutside, .hanging: .failed(outcome)
            case .outOfMemory(let death): .outOfMemory(death)
            case .overTime: .timeout
            case .supervisorLost: .lost
            case .launchFailed(let why): .launchFailed(why)
            }
    }

    package var stateName: String {
        switch self {
        case .completed: "COMPLETED"
        case .failed: "FAILED"
        case .cancelled, .impossible: "CANCELLED"
        case .timeout: "TIMEOUT"
        case .deadline: "DEADLINE"
        case .outOfMemory: "OUT_OF_MEMORY"
        case .preempted: "PREEMPTED"
        case .launchFailed: "LAUNCH_FAILED"
        case .lost: "NODE_FAIL"
        }
    }
}

extension JobPhase {
    /// What a command that waits for the job exits with; nil before its end.
    package var shellExitCode: Int32? {
        if case .ended(let end) = self { end.shellExitCode } else { nil }
    }
}

extension JobEnd {
    /// The command's own code where it ended by itself, else that of the signal that we or others ended it with.
    package var shellExitCode: Int32 {
        switch self {
        case .completed: 0
        case .failed(.exited(let code)): code
        case .failed(.signalled(let number)): 128 + number
        case .failed, .outOfMemory: 137
        case .timeout, .deadline, .cancelled, .preempted: 143
        case .impossible, .launchFailed, .lost: ExitCode.executionFailed.rawValue
        }
    }
}

extension JobEnd: CustomStringConvertible {
    package var description: String {
        switch self {
        case .completed: "exit code 0"
        case .failed(let outcome): "\(outcome)"
        case .cancelled: "cancelled on request"
        case .impossible(let why): why
        case .timeout: "stopped at its time limit"
        case .deadline: "could not end before its deadline"
        case .outOfMemory(let death): "\(death)"
        case .preempted(let other): "gave way to job \(other)"
        case .launchFailed(let why): "never started: \(why)"
        case .lost: "the command or machine that watched over it died"
        }
    }
}

extension MemoryDeath.Cause {
    /// The name in tables and JSON.
    package var name: String {
        switch self {
        case .quota, .virtualDevice: "OOM_QUOTA"
        case .node: "OOM_NUMA_NODE"
        case .host: "OOM_HOST"
        case .device: "OOM_DEVICE"
        }
    }
}

extension MemoryDeath: CustomStringConvertible {
    /// What ran out, and what to do about it.
    package var description: String {
        let amount = limit.map { " of \($0)" } ?? ""
        let used = peak.map { ", peak \($0)" } ?? ""
        return switch cause {
        case .quota:
            "OOM_QUOTA: over the job's own memory limit\(amount)\(used); ask for more with --mem"
        case .virtualDevice:
            "OOM_QUOTA: over the memory limit\(amount) of its virtual device\(used); resize the device or use a larger one"
        case .node(let node):
            "OOM_NUMA_NODE: NUMA node \(node) was full, the job within its limit\(amount)\(used); "
                + "use --mem-bind preferred to let it use other nodes"
        case .host:
            "OOM_HOST: the machine was full, the job within its limit\(amount)\(used); "
                + "reserve what jobs need with --mem, so that fewer run at once"
        case .device:
            "OOM_DEVICE: the accelerator's memory\(amount) was used up\(used); ask for a larger share, or use smaller batches"
        }
    }
}

extension JobOutcome: CustomStringConvertible {
    package var description: String {
        switch self {
        case .exited(let code): "exit code \(code)"
        case .signalled(let number): "killed by signal \(number)"
        case .outOfMemory(let death): "\(death)"
        case .killedFromOutside: "killed by something else on its machine (SIGKILL)"
        case .overTime: "stopped at its time limit"
        case .supervisorLost: "its supervisor was killed, and the job with it"
        case .hanging: "hanging in the kernel: it did not end after SIGKILL"
        case .launchFailed(let why): "not started: \(why)"
        }
    }
}

extension StopReason: CustomStringConvertible {
    package var description: String {
        switch self {
        case .cancelled: "cancelled"
        case .timeLimit: "time limit reached"
        case .deadline: "its deadline cannot be met"
        case .requeue: "goes back to the queue"
        case .preempted(let other, _): "gives way to job \(other)"
        case .fault(let what, _): what
        case .partEnded(let outcome): "another part of it ended: \(outcome)"
        }
    }
}

extension JobEvent: CustomStringConvertible {
    /// What a job would do, behind the word cannot.
    package var description: String {
        switch self {
        case .held: "be held"
        case .released: "be released"
        case .placed: "be placed"
        case .started: "start"
        case .exited(let outcome): "end: \(outcome)"
        case .stopRequested(.cancelled): "be cancelled"
        case .stopRequested(.requeue): "be queued again"
        case .stopRequested(let reason): "be stopped: \(reason)"
        case .suspendRequested: "be suspended"
        case .suspended: "stand still"
        case .resumed: "go on"
        case .ownerLost: "lose its command"
        case .machineLost: "lose its machine"
        case .impossible(let why): "be given up: \(why)"
        }
    }
}
