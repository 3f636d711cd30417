/// Everything one run of a suite measured, with what is needed to judge it again: schema 1 of `result.json`.
///
/// It is written once and never changed; tables, pages and comparisons are derived from it. Moments are wall-clock
/// texts in ISO 8601, durations and rates carry their unit in the key. What could not be found out is missing
/// from its place and named with a reason in `environment.unavailable` or beside the value.
package struct RunResult: Codable, Equatable, Sendable {
    package static let currentSchema = "heng/bench-result/1"

    package var schema: String
    package var runID: String
    /// False while the run goes on, and for ever after an interruption: such a record has no headline.
    package var complete: Bool
    /// Why the run did not end, when `complete` is false.
    package var incompleteReason: String?
    package var suite: String
    package var tool: ToolRecord
    package var rules: RuleSetRecord
    package var division: Division
    package var tier: Tier
    package var scale: String
    package var seeds: RunSeeds
    package var started: String
    package var ended: String?
    package var environment: EnvironmentRecord
    package var noise: NoiseRecord?
    package var ceilings: [CeilingRecord]
    package var workloads: [WorkloadResult]

    package init(
        runID: String, suite: String, tool: ToolRecord, rules: RuleSetRecord, division: Division = .open,
        tier: Tier, scale: String = "small", seeds: RunSeeds, started: String,
        environment: EnvironmentRecord
    ) {
        schema = RunResult.currentSchema
        self.runID = runID
        complete = false
        incompleteReason = "the run has not ended"
        self.suite = suite
        self.tool = tool
        self.rules = rules
        self.division = division
        self.tier = tier
        self.scale = scale
        self.seeds = seeds
        self.started = started
        self.environment = environment
        ceilings = []
        workloads = []
    }

    /// Marks the record as that of a run that came to its end.
    package mutating func finish(at ended: String) {
        complete = true
        incompleteReason = nil
        self.ended = ended
    }

    /// Marks the record as partial, and says why.
    package mutating func abandon(because reason: String, at ended: String) {
        complete = false
        incompleteReason = reason
        self.ended = ended
    }

    private enum CodingKeys: String, CodingKey {
        case schema, complete, suite, tool, rules, division, tier, scale, seeds, started, ended, environment
        case noise, ceilings, workloads
        case runID = "run_id"
        case incompleteReason = "incomplete_reason"
    }
}

/// Which rules a run may bend: closed ones compare devices, open ones show ideas.
package enum Division: String, Codable, Sendable, CaseIterable { case closed, open }

/// How much time a run spends, and so what its figures may be called.
package enum Tier: String, Codable, Sendable, CaseIterable {
    case smoke, quick, full, conformance

    /// The word that every report has to print beside the figures.
    package var label: String {
        switch self {
        case .smoke: "not a result"
        case .quick: "estimate"
        case .full: "result"
        case .conformance: "conformance result"
        }
    }
}

/// The program that measured.
package struct ToolRecord: Codable, Equatable, Sendable {
    package var version: String
    package var git: String?
    package var sha256: String?
    package var buildFlags: String?

    package init(version: String, git: String? = nil, sha256: String? = nil, buildFlags: String? = nil) {
        self.version = version
        self.git = git
        self.sha256 = sha256
        self.buildFlags = buildFlags
    }

    private enum CodingKeys: String, CodingKey {
        case version, git, sha256
        case buildFlags = "build_flags"
    }
}

/// The rules that judged, pinned by the hash of their text.
package struct RuleSetRecord: Codable, Equatable, Sendable {
    package var name: String
    package var version: String
    package var sha256: String

    package init(name: String, version: String, sha256: String) {
        self.name = name
        self.version = version
        self.sha256 = sha256
    }
}

/// One seed for each thing that is random, so that changing one moves none of the others.
package struct RunSeeds: Codable, Equatable, Sendable {
    /// Which samples are in the set.
    package var data: UInt64
    /// In which order they are asked for.
    package var order: UInt64
    /// When they arrive.
    package var schedule: UInt64
    /// What the audits look at.
    package var challenge: UInt64

    package init(data: UInt64, order: UInt64, schedule: UInt64, challenge: UInt64) {
        self.data = data
        self.order = order
        self.schedule = schedule
        self.challenge = challenge
    }
}

/// How restless the machine was.
package struct NoiseRecord: Codable, Equatable, Sendable {
    /// The part of all processors' time that other guests took, 0 to 1.
    package var steal: Double?
    /// The part of the run in which some thread waited for a processor, 0 to 1.
    package var pressure: Double?
    package var involuntarySwitches: Int?

    package init(steal: Double? = nil, pressure: Double? = nil, involuntarySwitches: Int? = nil) {
        self.steal = steal
        self.pressure = pressure
        self.involuntarySwitches = involuntarySwitches
    }

    private enum CodingKeys: String, CodingKey {
        case steal
        case pressure = "psi"
        case involuntarySwitches = "involuntary_switches"
    }
}

/// What one NUMA node or device was measured to be capable of, in this run.
package struct CeilingRecord: Codable, Equatable, Sendable {
    /// Where it was measured: `numa:0`, `cpu:0`.
    package var place: String
    /// Floating-point operations per second by number format: `fp32`.
    package var flops: [String: Double]
    /// Bytes per second by level or link: `dram`.
    package var bandwidth: [String: Double]
    package var source: String
    package var when: String

    package init(
        place: String, flops: [String: Double], bandwidth: [String: Double], source: String, when: String
    ) {
        self.place = place
        self.flops = flops
        self.bandwidth = bandwidth
        self.source = source
        self.when = when
    }
}
