package import Essentials
package import Scheduling

/// What one step runs, where, and within which limits.
///
/// A limit that is nil is not set; how far the others hold on this machine is in the step's `EnforcementReport`.
package struct StepSpecification: Codable, Hashable, Sendable {
    /// For messages and file names; not unique.
    package var name: String
    /// The program and its arguments.
    ///
    /// A program without a slash is looked up in the `PATH` of `environment`.
    package var command: [String]
    /// The whole environment; nothing is added to it.
    package var environment: [String: String]
    /// The folder the command starts in; the caller's when nil.
    package var workingDirectory: String?
    package var cpus: CPUSet?
    package var numa: NUMAPreference?
    package var memory: ByteCount?
    /// The fraction of its processing units' time that the step may use, over 0 and up to 1.
    package var cpuShare: Double?
    package var input: StepInput
    package var output: StepOutput
    package var errorOutput: StepOutput
    /// Its weight against others on the same processing units, from 1 to 10,000, where 100 is usual; nil is usual.
    package var cpuWeight: Int?
    /// How many processes and threads it may have; nil is no limit of ours.
    package var processLimit: Int?
    /// Whether files take its output behind what they hold, instead of being emptied.
    package var appendsOutput: Bool
    /// From the start, without the time it is frozen; the supervisor ends the step then.
    package var timeLimit: Duration?
    package var warning: WarningSignal?
    /// How long the step's processes have between the request to end and their end by force.
    package var grace: Duration
    /// Up to eight files, such as shared regions, and folders emptied by then, that the supervisor removes in order
    /// if this process dies before it can.
    package var orphanFiles: [String]

    package init(
        name: String, command: [String], environment: [String: String] = [:], workingDirectory: String? = nil,
        cpus: CPUSet? = nil, numa: NUMAPreference? = nil, memory: ByteCount? = nil, cpuShare: Double? = nil,
        input: StepInput = .nothing, output: StepOutput = .inherited, errorOutput: StepOutput = .inherited,
        cpuWeight: Int? = nil, processLimit: Int? = nil, appendsOutput: Bool = false,
        timeLimit: Duration? = nil, warning: WarningSignal? = nil, grace: Duration = .seconds(5),
        orphanFiles: [String] = []
    ) {
        self.name = name
        self.command = command
        self.environment = environment
        self.workingDirectory = workingDirectory
        self.cpus = cpus
        self.numa = numa
        self.memory = memory
        self.cpuShare = cpuShare
        self.input = input
        self.output = output
        self.errorOutput = errorOutput
        self.cpuWeight = cpuWeight
        self.processLimit = processLimit
        self.appendsOutput = appendsOutput
        self.timeLimit = timeLimit
        self.warning = warning
        self.grace = grace
        self.orphanFiles = orphanFiles
    }
}

/// From which NUMA nodes a step's memory comes.
package struct NUMAPreference: Codable, Hashable, Sendable {
    package enum Mode: String, Codable, Sendable {
        /// From these nodes only; when they are full the step is ended.
        case strict
        /// From the first of these nodes while it has room, then from the others.
        case preferred
        /// Page by page in turn.
        case interleave
    }

    package var mode: Mode
    /// The operating system's numbers, in the set that is also used for processing units.
    package var nodes: CPUSet

    package init(_ mode: Mode, nodes: CPUSet) {
        self.mode = mode
        self.nodes = nodes
    }
}

/// Where a step reads from.
package enum StepInput: Codable, Hashable, Sendable {
    case nothing
    case file(String)
}

/// Where a step writes to.
///
/// A file is created or emptied; the same file may take both outputs.
package enum StepOutput: Codable, Hashable, Sendable {
    case inherited
    case discarded
    case file(String)
}
