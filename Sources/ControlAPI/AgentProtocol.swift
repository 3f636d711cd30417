package import Essentials
package import Scheduling

/// The protocol between `hengd` and the agent of each machine, the agent in its own process included.
///
/// The daemon sends commands, the agent sends reports. Both may be repeated: each names its attempt, and whoever has
/// seen it before does nothing. An agent keeps the end of an attempt until the daemon, which has written it down by
/// then, says `forget`.
package enum AgentProtocol {
    /// Grows with every change that an older side would misunderstand.
    package static let version = 1
}

/// One attempt of one job on one machine.
package struct AttemptID: Hashable, Codable, Sendable, CustomStringConvertible {
    package var job: JobID
    package var attempt: Int

    package init(_ job: JobID, _ attempt: Int) {
        self.job = job
        self.attempt = attempt
    }

    package var description: String { "\(job).\(attempt)" }

    /// Reads `12.1`.
    package init?(parsing text: some StringProtocol) {
        let parts = text.split(separator: ".", omittingEmptySubsequences: false).map { Int($0) }
        guard parts.count == 2, let job = parts[0], let attempt = parts[1], job > 0, attempt > 0 else {
            return nil
        }
        self.init(JobID(job), attempt)
    }
}

/// What an agent says first, and again whenever it connects.
package struct AgentHello: Hashable, Codable, Sendable {
    package var version: Int
    package var machine: Machine
    package var machineClass: MachineClass
    /// What admits a machine that the daemon does not know yet, and proves one that it knows.
    package var token: String?
    /// Names one run of the machine's kernel, after which nothing of before is left.
    package var boot: String
    /// How strongly this machine can hold a job to each kind of limit.
    package var enforcement: [String: EnforcementStrength]
    /// Every attempt that the agent knows.
    package var attempts: [AttemptStatus]
    /// Names one life of the agent, so that two agents of one name are told apart; agents of before have none.
    package var instance: String?

    package init(
        version: Int = AgentProtocol.version, machine: Machine, machineClass: MachineClass = .cloud,
        token: String? = nil, boot: String, enforcement: [String: EnforcementStrength] = [:],
        attempts: [AttemptStatus] = [], instance: String? = nil
    ) {
        self.instance = instance
        self.version = version
        self.machine = machine
        self.machineClass = machineClass
        self.token = token
        self.boot = boot
        self.enforcement = enforcement
        self.attempts = attempts
    }
}

/// What an agent knows of an attempt.
package struct AttemptStatus: Hashable, Codable, Sendable {
    package enum State: Hashable, Codable, Sendable {
        case starting
        case running
        case suspended
        case ended(AttemptEnd)
    }

    package var attempt: AttemptID
    package var state: State

    package init(_ attempt: AttemptID, _ state: State) {
        self.attempt = attempt
        self.state = state
    }
}

/// What the daemon wants of an agent.
package enum AgentCommand: Hashable, Codable, Sendable {
    case start(AttemptStart)
    /// Ends every process of the attempt: by the signal first, and by force after the grace.
    case stop(AttemptID, signal: Int32, grace: Duration)
    /// A signal and nothing more: to all processes, or to the first one of each rank alone.
    case signal(AttemptID, number: Int32, toFirstOnly: Bool)
    case suspend(AttemptID)
    case resume(AttemptID)
    /// New limits for what runs.
    case resize(AttemptID, [VirtualDevice])
    /// Another time limit, from the start; nil is none.
    case limitTime(AttemptID, Duration?)
    /// The end is written down, so everything that is kept about the attempt may go.
    case forget(AttemptID)
    /// Makes a virtual device, or gives it a new size, and tries out its limits.
    case test(NamedDevice)
    /// Nothing of the virtual device is to be kept.
    case deleteDevice(String)
    /// All virtual devices of the machine by name, so that an agent that was away removes the others.
    case keepDevices([String])
    /// Brings a part back to work by whatever means the machine has; nil is the whole machine.
    case reset(DeviceID?, why: String)
}

/// Everything that an agent needs to start its part of an attempt.
package struct AttemptStart: Hashable, Codable, Sendable {
    package var attempt: AttemptID
    /// The part of the placement on this machine, and where it stands in the whole.
    package var ranks: [VirtualDevice]
    package var firstRank: Int
    package var worldSize: Int
    /// The machines of all ranks, in order; one for each rank.
    package var machinesOfRanks: [String]
    package var label: JobLabel
    /// The first job of the array and the index of this task.
    package var arrayJob: JobID?
    package var arrayIndex: Int?
    package var memoryMode: MemoryMode
    package var quality: QualityOfService
    package var isolation: IsolationDemand
    /// From the start; the supervisor ends the attempt by itself then, even while no daemon runs.
    package var timeLimit: Duration?
    package var warning: WarningSignal?
    /// How often the job was started before.
    package var restarts: Int
    package var launch: LaunchSpecification
    /// The virtual devices with names that the ranks lie in, one for each; nil is none.
    package var namedDevices: [NamedDevice]?

    package init(
        attempt: AttemptID, ranks: [VirtualDevice], firstRank: Int = 0, worldSize: Int? = nil,
        machinesOfRanks: [String] = [], label: JobLabel, arrayJob: JobID? = nil, arrayIndex: Int? = nil,
        memoryMode: MemoryMode = .preferred, quality: QualityOfService = .guaranteed,
        isolation: IsolationDemand = .any, timeLimit: Duration? = nil, warning: WarningSignal? = nil,
        restarts: Int = 0, launch: LaunchSpecification, namedDevices: [NamedDevice]? = nil
    ) {
        self.attempt = attempt
        self.ranks = ranks
        self.firstRank = firstRank
        self.worldSize = worldSize ?? ranks.count
        self.machinesOfRanks = machinesOfRanks
        self.label = label
        self.arrayJob = arrayJob
        self.arrayIndex = arrayIndex
        self.memoryMode = memoryMode
        self.quality = quality
        self.isolation = isolation
        self.timeLimit = timeLimit
        self.warning = warning
        self.restarts = restarts
        self.launch = launch
        self.namedDevices = namedDevices
    }
}

/// What an agent has to say.
package enum AgentReport: Hashable, Codable, Sendable {
    case started(AttemptID, AttemptRun)
    case suspended(AttemptID)
    case resumed(AttemptID)
    case ended(AttemptID, AttemptEnd)
    case tested(name: String, DeviceTest)
    case health(DeviceID?, HealthLevel, why: String)
    /// What came of a reset; no failure is success.
    case reset(DeviceID?, failure: String?)
    /// Nothing new; the agent lives.
    case heartbeat
}

/// An attempt while it runs.
package struct AttemptRun: Hashable, Codable, Sendable {
    /// The first process of each rank.
    package var processes: [Int32]
    /// One line for each limit: what holds the job to it, or why nothing does.
    package var enforcement: [String]
    /// The files that its ranks write to: output and errors of each.
    package var files: [String]

    package init(processes: [Int32], enforcement: [String], files: [String]) {
        self.processes = processes
        self.enforcement = enforcement
        self.files = files
    }
}

/// How an attempt came to its end on one machine, decided once, from facts.
package struct AttemptEnd: Hashable, Codable, Sendable {
    package var outcome: JobOutcome
    /// The rank whose failure ended the others; nil when all completed.
    package var firstFailure: Int?
    package var usage: AttemptUsage
    package var remarks: [String]

    package init(
        outcome: JobOutcome, firstFailure: Int? = nil, usage: AttemptUsage = AttemptUsage(),
        remarks: [String] = []
    ) {
        self.outcome = outcome
        self.firstFailure = firstFailure
        self.usage = usage
        self.remarks = remarks
    }
}

/// What an attempt used, over all of its ranks on one machine.
package struct AttemptUsage: Hashable, Codable, Sendable {
    package var elapsed: Duration
    package var userTime: Duration
    package var systemTime: Duration
    /// The kernel's own maximum where a group counted it, the largest of the ranks.
    package var memoryPeak: ByteCount?
    package var throttledTime: Duration?

    package init(
        elapsed: Duration = .zero, userTime: Duration = .zero, systemTime: Duration = .zero,
        memoryPeak: ByteCount? = nil, throttledTime: Duration? = nil
    ) {
        self.elapsed = elapsed
        self.userTime = userTime
        self.systemTime = systemTime
        self.memoryPeak = memoryPeak
        self.throttledTime = throttledTime
    }
}
