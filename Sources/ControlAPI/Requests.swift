package import Essentials
package import Scheduling

// The bodies of requests and answers of the HTTP interface, version 1. Jobs in answers are `JobTable.Row` and
// `JobExplanation`, which the embedded scheduler shows too.

/// `POST /v1/jobs`.
package struct SubmitRequest: Hashable, Codable, Sendable {
    package var job: JobRequest
    package var launch: LaunchSpecification
    /// A second submission with the same key is answered with the jobs of the first.
    package var clientKey: String?
    /// Only say what would happen.
    package var isTest: Bool

    package init(job: JobRequest, launch: LaunchSpecification, clientKey: String? = nil, isTest: Bool = false)
    {
        self.job = job
        self.launch = launch
        self.clientKey = clientKey
        self.isTest = isTest
    }
}

/// The answer to `POST /v1/jobs`, sent once the submission is on the disk.
package struct SubmitReply: Hashable, Codable, Sendable {
    /// The first job; an array has `count` consecutive ones.
    package var job: JobID
    package var count: Int
    /// Whether the client key had been used before.
    package var isRepeated: Bool

    package init(job: JobID, count: Int, isRepeated: Bool = false) {
        self.job = job
        self.count = count
        self.isRepeated = isRepeated
    }
}

/// The answer to a submission that is only a test.
package struct TestReply: Hashable, Codable, Sendable {
    /// When it would start if time limits hold; nil when nobody can say.
    package var start: TimePoint?
    package var lines: [String]

    package init(start: TimePoint?, lines: [String]) {
        self.start = start
        self.lines = lines
    }
}

/// `POST /v1/jobs/actions`: one action on all jobs that match.
package struct JobActionRequest: Hashable, Codable, Sendable {
    package enum Verb: Hashable, Codable, Sendable {
        case cancel, hold, release, requeue, suspend, resume, checkpointed
        case signal(Int32, toFirstOnly: Bool)
        case change(JobChange)
    }

    package var verb: Verb
    package var selection: JobSelection

    package init(_ verb: Verb, _ selection: JobSelection) {
        self.verb = verb
        self.selection = selection
    }
}

/// Which jobs an action or a listing is about; a job must match everything that is not nil.
package struct JobSelection: Hashable, Codable, Sendable {
    /// `12`, `12_3` as the twelfth job's third task, ranges of tasks; nil is all jobs.
    package var jobs: [JobReference]?
    package var user: String?
    package var name: String?
    package var queue: String?
    package var states: [String]?

    package init(
        jobs: [JobReference]? = nil, user: String? = nil, name: String? = nil, queue: String? = nil,
        states: [String]? = nil
    ) {
        self.jobs = jobs
        self.user = user
        self.name = name
        self.queue = queue
        self.states = states
    }
}

/// `12` (a job, or all tasks of an array), `12_3`, `12_[1-5,9]`.
package struct JobReference: Hashable, Codable, Sendable {
    package var job: JobID
    package var tasks: [ClosedRange<Int>]?

    package init(_ job: JobID, tasks: [ClosedRange<Int>]? = nil) {
        self.job = job
        self.tasks = tasks
    }
}

/// What an action did to one job, or why it did nothing.
package struct JobActionReply: Hashable, Codable, Sendable {
    package var job: JobID
    package var state: String
    /// Nil when it was done.
    package var refusal: String?

    package init(job: JobID, state: String, refusal: String? = nil) {
        self.job = job
        self.state = state
        self.refusal = refusal
    }
}

/// The body of every answer that is an error.
package struct ErrorReply: Hashable, Codable, Sendable {
    package var summary: String
    package var nextStep: String?
    /// As `ExitCode` has it, for the command that asked.
    package var exitCode: Int32

    package init(summary: String, nextStep: String? = nil, exitCode: Int32) {
        self.summary = summary
        self.nextStep = nextStep
        self.exitCode = exitCode
    }
}

/// `GET /v1/status`.
package struct DaemonStatus: Hashable, Codable, Sendable {
    package var version: String
    package var pid: Int32
    package var stateFolder: String
    /// False while the log is read; until then there are only answers to questions.
    package var isReady: Bool
    package var startedAt: TimePoint
    package var durability: String
    package var jobsWaiting: Int
    package var jobsRunning: Int
    package var machines: [MachineRow]
    package var queues: [String]
    /// Why submissions are refused at the moment, such as a full disk.
    package var trouble: String?

    package struct MachineRow: Hashable, Codable, Sendable {
        package var name: String
        package var machineClass: MachineClass
        package var state: String
        package var why: String?
        package var cores: Int
        package var coresFree: Double
        package var memory: ByteCount
        package var memoryFree: ByteCount
        package var devices: [DeviceID]
        package var jobs: Int
        package var enforcement: [String: EnforcementStrength]
        /// Its parts that are not healthy.
        package var faults: [MachineStatus.Fault]

        package init(
            name: String, machineClass: MachineClass, state: String, why: String?, cores: Int,
            coresFree: Double, memory: ByteCount, memoryFree: ByteCount, devices: [DeviceID], jobs: Int,
            enforcement: [String: EnforcementStrength], faults: [MachineStatus.Fault] = []
        ) {
            self.name = name
            self.machineClass = machineClass
            self.state = state
            self.why = why
            self.cores = cores
            self.coresFree = coresFree
            self.memory = memory
            self.memoryFree = memoryFree
            self.devices = devices
            self.jobs = jobs
            self.enforcement = enforcement
            self.faults = faults
        }
    }

    package init(
        version: String, pid: Int32, stateFolder: String, isReady: Bool, startedAt: TimePoint,
        durability: String, jobsWaiting: Int, jobsRunning: Int, machines: [MachineRow], queues: [String],
        trouble: String? = nil
    ) {
        self.version = version
        self.pid = pid
        self.stateFolder = stateFolder
        self.isReady = isReady
        self.startedAt = startedAt
        self.durability = durability
        self.jobsWaiting = jobsWaiting
        self.jobsRunning = jobsRunning
        self.machines = machines
        self.queues = queues
        self.trouble = trouble
    }
}
