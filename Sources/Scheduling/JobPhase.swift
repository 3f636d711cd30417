internal import Essentials

/// Where a job is in its life.
package enum JobPhase: Hashable, Codable, Sendable {
    case held
    case pending
    /// It has its resources; its processes are being started.
    case launching
    case running
    /// It was told to stop and still has its resources.
    case completing(StopReason)
    case ended(JobEnd)
}

/// Why a job was told to stop.
package enum StopReason: String, Hashable, Codable, Sendable {
    case cancelled
    case timeLimit
    case requeue
}

/// What happens to a job, as its life cycle sees it.
package enum JobEvent: Hashable, Codable, Sendable {
    case held
    case released
    case placed
    case started
    case exited(JobOutcome)
    case stopRequested(StopReason)
    /// Whoever watched its processes is gone, so nobody knows how they are.
    case ownerLost
}

/// How the processes of an attempt came to their end, as reported by whoever started them.
package enum JobOutcome: Hashable, Codable, Sendable {
    case exited(code: Int32)
    case signalled(Int32)
    case outOfMemory
    /// No process of it ever ran.
    case launchFailed(String)
}

/// How a job ended, in the words that Slurm users know.
package enum JobEnd: Hashable, Codable, Sendable {
    case completed
    case failed(JobOutcome)
    case cancelled
    case timeout
    case outOfMemory
    case launchFailed(String)
    /// The command or machine that watched over it died.
    case lost
}

extension JobPhase {
    /// The next phase, or nil when the event makes no sense here and is a bug worth logging.
    package func next(after event: JobEvent) -> JobPhase? {
        switch (self, event) {
        case (.pending, .held): .held
        case (.held, .released): .pending
        case (.pending, .placed): .launching
        case (.launching, .started): .running
        case (.completing, .started): self
        case (.held, .stopRequested(.cancelled)), (.pending, .stopRequested(.cancelled)): .ended(.cancelled)
        case (.launching, .stopRequested(let reason)), (.running, .stopRequested(let reason)):
            .completing(reason)
        case (.completing(.requeue), .stopRequested(let reason)): .completing(reason)
        case (.completing, .stopRequested): self
        case (.launching, .exited(let outcome)), (.running, .exited(let outcome)): .ended(JobEnd(outcome))
        case (.completing(.cancelled), .exited): .ended(.cancelled)
        case (.completing(.timeLimit), .exited): .ended(.timeout)
        case (.completing(.requeue), .exited): .pending
        case (.held, .ownerLost), (.pending, .ownerLost), (.launching, .ownerLost), (.running, .ownerLost),
            (.completing, .ownerLost):
            .ended(.lost)
        case (.held, .held), (.held, .placed), (.held, .started), (.held, .exited): nil
        case (.held, .stopRequested), (.pending, .stopRequested): nil
        case (.pending, .released), (.pending, .started), (.pending, .exited): nil
        case (.launching, .held), (.launching, .released), (.launching, .placed): nil
        case (.running, .held), (.running, .released), (.running, .placed), (.running, .started): nil
        case (.completing, .held), (.completing, .released), (.completing, .placed): nil
        case (.ended, _): nil
        }
    }

    package var holdsResources: Bool {
        switch self {
        case .launching, .running, .completing: true
        case .held, .pending, .ended: false
        }
    }

    package var isEnded: Bool {
        if case .ended = self { true } else { false }
    }

    /// The state's name in tables and JSON: Slurm's where it has one.
    package var stateName: String {
        switch self {
        case .held: "HELD"
        case .pending: "PENDING"
        case .launching: "LAUNCHING"
        case .running: "RUNNING"
        case .completing: "COMPLETING"
        case .ended(let end): end.stateName
        }
    }
}

extension JobEnd {
    /// The end of a job that nobody told to stop.
    init(_ outcome: JobOutcome) {
        self =
            switch outcome {
            case .exited(0): .completed
            case .exited, .signalled: .failed(outcome)
            case .outOfMemory: .outOfMemory
            case .launchFailed(let why): .launchFailed(why)
            }
    }

    package var stateName: String {
        switch self {
        case .completed: "COMPLETED"
        case .failed: "FAILED"
        case .cancelled: "CANCELLED"
        case .timeout: "TIMEOUT"
        case .outOfMemory: "OUT_OF_MEMORY"
        case .launchFailed: "LAUNCH_FAILED"
        case .lost: "NODE_FAIL"
        }
    }
}

extension JobEnd: CustomStringConvertible {
    package var description: String {
        switch self {
        case .completed: "exit code 0"
        case .failed(let outcome): "\(outcome)"
        case .cancelled: "cancelled on request"
        case .timeout: "stopped at its time limit"
        case .outOfMemory: "stopped for using more memory than it has"
        case .launchFailed(let why): "never started: \(why)"
        case .lost: "the command that watched over it died"
        }
    }
}

extension JobOutcome: CustomStringConvertible {
    package var description: String {
        switch self {
        case .exited(let code): "exit code \(code)"
        case .signalled(let number): "killed by signal \(number)"
        case .outOfMemory: "out of memory"
        case .launchFailed(let why): "not started: \(why)"
        }
    }
}
