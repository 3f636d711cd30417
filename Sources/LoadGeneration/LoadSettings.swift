internal import Essentials
package import Results

/// How queries come.
package enum Scenario: Equatable, Sendable {
    /// The next query when the one before is answered.
    case singleStream
    /// Queries of one sample at the moments of a Poisson process, whatever the system does.
    case server(queriesPerSecond: Double)
    /// One query with all samples.
    case offline(sampleCount: Int)

    package var name: String {
        switch self {
        case .singleStream: "single_stream"
        case .server: "server"
        case .offline: "offline"
        }
    }

    package var arrival: String {
        switch self {
        case .singleStream: "closed_loop"
        case .server: "poisson"
        case .offline: "all_at_once"
        }
    }

    /// Offline with enough samples for the duration at an expected rate, a tenth more to be safe.
    package static func offline(
        lasting duration: Duration, expectedSamplesPerSecond rate: Double, atLeast minimum: Int
    ) -> Scenario {
        precondition(rate.isFinite && rate > 0, "an expected rate is positive")
        let wanted = 1.1 * rate * (Double(duration / .milliseconds(1)) / 1000)
        return .offline(sampleCount: max(minimum, Int(min(wanted, 1e9).rounded(.up))))
    }
}

/// What a run is for.
package enum LoadMode: String, Equatable, Sendable {
    /// Speed: samples are drawn from those in memory.
    case performance
    /// Answers: every sample of the library exactly once, untimed.
    case accuracy
}

/// How performance mode picks samples.
package enum SamplePicking: String, Equatable, Sendable {
    /// Uniform with replacement.
    case uniform
    /// One permutation after the other, for inputs whose cost varies.
    case equalShares = "equal_shares"
    /// Always the same one: the audit that finds caches.
    case repeated
}

/// Everything about a run that its caller chooses.
package struct LoadSettings: Equatable, Sendable {
    package var scenario: Scenario
    package var mode: LoadMode
    package var picking: SamplePicking
    package var minimumDuration: Duration
    package var minimumQueries: Int
    /// After this time no further query is issued, whatever the minima say; nil for no limit.
    package var maximumDuration: Duration?
    /// How long the generator waits without any answer before it calls the open ones missing.
    package var patience: Duration
    package var seeds: RunSeeds

    package init(
        scenario: Scenario, mode: LoadMode = .performance, picking: SamplePicking = .uniform,
        minimumDuration: Duration, minimumQueries: Int, maximumDuration: Duration? = nil,
        patience: Duration = .seconds(30), seeds: RunSeeds
    ) {
        precondition(minimumDuration >= .zero, "a duration is not negative")
        precondition(minimumQueries >= 1, "a run has at least one query")
        switch scenario {
        case .server(let rate): precondition(rate.isFinite && rate > 0, "a target rate is positive")
        case .offline(let count): precondition(count >= 1, "an offline query has at least one sample")
        case .singleStream: break
        }
        self.scenario = scenario
        self.mode = mode
        self.picking = picking
        self.minimumDuration = minimumDuration
        self.minimumQueries = minimumQueries
        self.maximumDuration = maximumDuration
        self.patience = patience
        self.seeds = seeds
    }

    /// The settings as a result records them.
    package var parameters: [String: Parameter] {
        var parameters: [String: Parameter] = [
            "mode": .text(mode.rawValue), "picking": .text(picking.rawValue),
            "min_duration_ns": .whole(Int(minimumDuration.nanoseconds)),
            "min_query_count": .whole(minimumQueries), "patience_ns": .whole(Int(patience.nanoseconds)),
        ]
        parameters["max_duration_ns"] = maximumDuration.map { .whole(Int($0.nanoseconds)) }
        switch scenario {
        case .singleStream: break
        case .server(let rate): parameters["target_qps"] = .number(rate)
        case .offline(let count): parameters["sample_count"] = .whole(count)
        }
        return parameters
    }
}
