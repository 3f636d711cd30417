internal import Essentials
package import Scheduling

// What the scheduler is told of a step's end.

extension JobOutcome {
    /// The scheduler's view of how a process ended.
    package init(_ verdict: StepVerdict) {
        self =
            switch verdict {
            case .completed: .exited(code: 0)
            case .failed(let code): .exited(code: code)
            case .stopped: .signalled(15)
            case .overTime: .overTime
            case .outOfMemoryQuota(let limit, let peak, _):
                .outOfMemory(MemoryDeath(.quota, limit: limit, peak: peak))
            case .outOfMemoryInVirtualDevice(let peak, _):
                .outOfMemory(MemoryDeath(.virtualDevice, peak: peak))
            case .outOfMemoryOnNodes(let nodes, _): .outOfMemory(MemoryDeath(.node(nodes.first ?? 0)))
            case .outOfMemoryOnMachine: .outOfMemory(MemoryDeath(.host))
            case .outOfMemoryOnAccelerator: .outOfMemory(MemoryDeath(.device))
            case .signalled(let signal): .signalled(signal)
            case .killedExternally: .killedFromOutside
            case .supervisorLost: .supervisorLost
            case .hanging: .hanging
            }
    }

    /// The same from the facts, which know more: how a step ended that was asked to, and limit and peak of every
    /// death for memory of its own kind.
    package init(_ evidence: StepEvidence) {
        let verdict = StepVerdict(evidence)
        self.init(verdict)
        if verdict == .stopped {
            switch evidence.ending {
            case .exited(let code): self = .exited(code: code)
            case .signalled(let number): self = .signalled(number)
            case .unknown, .hanging: break
            }
        }
        // Whoever watches over an accelerator's memory is somebody else.
        guard case .outOfMemory(var death) = self, death.cause != .device else { return }
        death.limit = death.cause == .virtualDevice ? evidence.parentLimit : evidence.memoryLimit
        death.peak = evidence.memoryPeak
        // A group counts what it asks for before the one around it refuses it, so its own peak may be a little over.
        if death.cause == .virtualDevice, let limit = death.limit {
            death.peak = death.peak.map { min($0, limit) }
        }
        self = .outOfMemory(death)
    }
}
