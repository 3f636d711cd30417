package import Essentials

/// What is known about a step after its last process is gone.
package struct StepOutcome: Hashable, Codable, Sendable {
    package var evidence: StepEvidence
    package var verdict: StepVerdict
    package var usage: StepUsage
    /// Things that went otherwise than they should, as sentences.
    package var remarks: [String]

    package init(evidence: StepEvidence, usage: StepUsage, remarks: [String] = []) {
        self.evidence = evidence
        verdict = StepVerdict(evidence)
        self.usage = usage
        self.remarks = remarks
    }

    /// The exit code as a shell would give it: a signal is 128 and its number.
    package var shellExitCode: Int32 {
        switch evidence.ending {
        case .exited(let code): code
        case .signalled(let number): 128 + number
        case .unknown, .hanging: 128 + 9
        }
    }
}

/// What a step used, over all its processes that were waited for.
package struct StepUsage: Hashable, Codable, Sendable {
    /// On the monotonic clock, from just before the start to the end of the main process.
    package var started: TimePoint
    package var ended: TimePoint
    package var userTime: Duration
    package var systemTime: Duration
    /// The largest resident set of any one process.
    package var peakResidentSet: ByteCount
    /// The largest amount of all processes together, page cache included, where a memory group counted it.
    package var memoryPeak: ByteCount?
    /// Periods in which the step had used up its share of time; nil without a quota.
    package var throttledPeriods: Int?
    package var throttledTime: Duration?

    package init(
        started: TimePoint, ended: TimePoint, userTime: Duration = .zero, systemTime: Duration = .zero,
        peakResidentSet: ByteCount = .zero, memoryPeak: ByteCount? = nil, throttledPeriods: Int? = nil,
        throttledTime: Duration? = nil
    ) {
        self.started = started
        self.ended = ended
        self.userTime = userTime
        self.systemTime = systemTime
        self.peakResidentSet = peakResidentSet
        self.memoryPeak = memoryPeak
        self.throttledPeriods = throttledPeriods
        self.throttledTime = throttledTime
    }

    package var wallTime: Duration { ended - started }
    package var cpuTime: Duration { userTime + systemTime }
}
