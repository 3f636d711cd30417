package import Essentials

/// How a step's main process ended, as the kernel says it.
package enum StepEnding: Hashable, Codable, Sendable {
    case exited(code: Int32)
    case signalled(Int32)
    /// The supervisor was killed, and the step with it; nobody saw how.
    case unknown
    /// It did not end, not even by SIGKILL; it hangs in the kernel.
    case hanging
}

/// The facts that a verdict is made of; nil where the kernel keeps no such counter for the step.
package struct StepEvidence: Hashable, Codable, Sendable {
    package var ending: StepEnding
    /// Somebody asked for the end while the main process still ran.
    package var stopRequested: Bool
    /// Processes of the step that the kernel killed for want of memory.
    package var outOfMemoryKills: Int?
    /// How often the step ran into its own memory limit.
    package var limitHits: Int?
    package var memoryPeak: ByteCount?
    package var memoryLimit: ByteCount?
    /// The nodes that the memory had to come from, when it had to.
    package var strictNodes: CPUSet?
    /// The supervisor ended it at its time limit.
    package var overTime: Bool
    /// Its errors end with an accelerator's message of used up memory.
    package var deviceMemory: Bool
    /// How often the group around it, a virtual device, ran into its memory limit meanwhile.
    package var parentHits: Int?
    /// The memory limit of that virtual device.
    package var parentLimit: ByteCount?

    package init(
        ending: StepEnding, stopRequested: Bool = false, outOfMemoryKills: Int? = nil, limitHits: Int? = nil,
        memoryPeak: ByteCount? = nil, memoryLimit: ByteCount? = nil, strictNodes: CPUSet? = nil,
        overTime: Bool = false, deviceMemory: Bool = false, parentHits: Int? = nil,
        parentLimit: ByteCount? = nil
    ) {
        self.ending = ending
        self.stopRequested = stopRequested
        self.outOfMemoryKills = outOfMemoryKills
        self.limitHits = limitHits
        self.memoryPeak = memoryPeak
        self.memoryLimit = memoryLimit
        self.strictNodes = strictNodes
        self.overTime = overTime
        self.deviceMemory = deviceMemory
        self.parentHits = parentHits
        self.parentLimit = parentLimit
    }
}

/// What became of a step, and why.
package enum StepVerdict: Hashable, Codable, Sendable {
    case completed
    case failed(code: Int32)
    /// Ended because somebody of ours asked for it.
    case stopped
    /// Ended by its supervisor at its time limit.
    case overTime
    /// Over its own limit.
    case outOfMemoryQuota(limit: ByteCount, peak: ByteCount?, kills: Int)
    /// Within its limit; the virtual device around it was full.
    case outOfMemoryInVirtualDevice(peak: ByteCount?, kills: Int)
    /// An accelerator's memory was used up, as its last words say.
    case outOfMemoryOnAccelerator
    /// Within its limit, but the nodes it was bound to were full.
    case outOfMemoryOnNodes(CPUSet, kills: Int)
    /// Within its limit; the machine, or a group around the step, was full.
    case outOfMemoryOnMachine(kills: Int)
    /// SIGKILL, and neither the kernel's memory accounting nor we did it.
    case killedExternally
    case signalled(Int32)
    case supervisorLost
    case hanging
}

extension StepVerdict {
    /// Decides from the facts alone, so that the same facts always get the same verdict.
    ///
    /// A request to stop outranks the rest: whatever the processes did in their last moments, they did not end by
    /// themselves. So does the time limit. Memory outranks exit codes, because a shell turns a killed child into an exit code.
    package init(_ evidence: StepEvidence) {
        if evidence.ending == .unknown || evidence.ending == .hanging {
            self = .plain(evidence.ending)
        } else if evidence.stopRequested {
            self = .stopped
        } else if evidence.overTime {
            self = .overTime
        } else if evidence.ending == .exited(code: 0) {
            self = .completed
        } else if let kills = evidence.outOfMemoryKills, kills > 0 {
            self = .outOfMemory(evidence, kills: kills)
        } else if evidence.deviceMemory {
            self = .outOfMemoryOnAccelerator
        } else {
            self = .plain(evidence.ending)
        }
    }

    private static func outOfMemory(_ evidence: StepEvidence, kills: Int) -> StepVerdict {
        if let limit = evidence.memoryLimit, evidence.limitHits ?? 0 > 0 {
            return .outOfMemoryQuota(limit: limit, peak: evidence.memoryPeak, kills: kills)
        }
        if evidence.parentHits ?? 0 > 0 {
            return .outOfMemoryInVirtualDevice(peak: evidence.memoryPeak, kills: kills)
        }
        guard let nodes = evidence.strictNodes else { return .outOfMemoryOnMachine(kills: kills) }
        return .outOfMemoryOnNodes(nodes, kills: kills)
    }

    private static func plain(_ ending: StepEnding) -> StepVerdict {
        switch ending {
        case .exited(code: 0): .completed
        case .exited(let code): .failed(code: code)
        case .signalled(9): .killedExternally
        case .signalled(let number): .signalled(number)
        case .unknown: .supervisorLost
        case .hanging: .hanging
        }
    }

    package var isSuccess: Bool { self == .completed }
}

extension StepVerdict: CustomStringConvertible {
    package var description: String {
        switch self {
        case .completed: "completed"
        case .failed(let code): "failed with exit code \(code)"
        case .stopped: "stopped on request"
        case .outOfMemoryQuota(let limit, let peak, let kills):
            "out of memory: over its limit of \(limit)"
                + (peak.map { " (peak \($0), \(kills) killed)" } ?? " (\(kills) killed)")
        case .overTime: "stopped at its time limit"
        case .outOfMemoryInVirtualDevice(let peak, let kills):
            "out of memory: its virtual device was full, the step within its limit"
                + (peak.map { " (peak \($0), \(kills) killed)" } ?? " (\(kills) killed)")
        case .outOfMemoryOnAccelerator: "out of memory on the accelerator"
        case .outOfMemoryOnNodes(let nodes, let kills):
            "out of memory on NUMA node \(nodes), within its own limit (\(kills) killed); "
                + "a preferred node instead of a strict one lets it use the others"
        case .outOfMemoryOnMachine(let kills):
            "out of memory: the machine was full, the step within its limit (\(kills) killed)"
        case .killedExternally: "killed by something else on this machine (SIGKILL)"
        case .signalled(let number): "ended by \(SignalName(number))"
        case .hanging: "hanging in the kernel: it did not end after SIGKILL"
        case .supervisorLost: "lost: its supervisor heng-step was killed, and the step with it"
        }
    }
}

/// A signal as people know it.
struct SignalName: CustomStringConvertible {
    let number: Int32

    init(_ number: Int32) { self.number = number }

    var description: String {
        let names: [Int32: String] = [
            1: "SIGHUP", 2: "SIGINT", 3: "SIGQUIT", 4: "SIGILL", 5: "SIGTRAP", 6: "SIGABRT", 7: "SIGBUS",
            8: "SIGFPE", 9: "SIGKILL", 10: "SIGUSR1", 11: "SIGSEGV", 12: "SIGUSR2", 13: "SIGPIPE",
            14: "SIGALRM", 15: "SIGTERM", 24: "SIGXCPU", 25: "SIGXFSZ", 31: "SIGSYS",
        ]
        return names[number].map { "signal \(number) (\($0))" } ?? "signal \(number)"
    }
}
