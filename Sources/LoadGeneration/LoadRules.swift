internal import Essentials
package import Results

/// What a run must keep to count; the measured side is `LoadFacts`.
///
/// Rules are data: they can be written to a file, hashed, and applied to old facts.
package struct LoadRules: Equatable, Sendable {
    package var name: String
    package var version: String
    package var minimumDuration: Duration
    package var minimumQueries: Int
    /// The percentile that the scenario reports and limits; nil when the run is too short for any.
    package var percentile: Double?
    /// The confidence of the percentile's bound.
    package var confidence: Double
    /// The latency that the percentile must keep in Server; nil elsewhere.
    package var latencyLimit: Duration?
    /// How far the realised rate may be off the target, as a share.
    package var rateTolerance: Double
    /// How late 99 % of the queries may be issued.
    package var issueSlipLimit: Duration
    /// How far the bounds of the run's two halves may be apart, as a share; nil to leave that out.
    package var halvesTolerance: Double?
    /// The part of the processors' time that other guests may take, 0 to 1.
    package var stealLimit: Double
    /// What too much contention means.
    package var contentionEffect: Check.Effect
    /// The least possible time of one sample on the measured ceilings; nil when not known.
    package var floor: Duration?

    package init(
        name: String, version: String, minimumDuration: Duration, minimumQueries: Int, percentile: Double?,
        confidence: Double = 0.99, latencyLimit: Duration? = nil, rateTolerance: Double = 0.01,
        issueSlipLimit: Duration = .milliseconds(5), halvesTolerance: Double? = 0.1,
        stealLimit: Double = 0.05, contentionEffect: Check.Effect = .warning, floor: Duration? = nil
    ) {
        self.name = name
        self.version = version
        self.minimumDuration = minimumDuration
        self.minimumQueries = minimumQueries
        self.percentile = percentile
        self.confidence = confidence
        self.latencyLimit = latencyLimit
        self.rateTolerance = rateTolerance
        self.issueSlipLimit = issueSlipLimit
        self.halvesTolerance = halvesTolerance
        self.stealLimit = stealLimit
        self.contentionEffect = contentionEffect
        self.floor = floor
    }

    /// The rules of a tier.
    ///
    /// The counts are the least that early stopping needs with one query over the limit.
    package static func standard(for tier: Tier, scenario: Scenario) -> LoadRules {
        let isOffline = scenario.name == "offline"
        return switch tier {
        case .smoke:
            LoadRules(
                name: "smoke", version: "1", minimumDuration: .milliseconds(500), minimumQueries: 8,
                percentile: nil, halvesTolerance: nil)
        case .quick:
            LoadRules(
                name: "quick", version: "1", minimumDuration: .seconds(5), minimumQueries: 64,
                percentile: 0.9, halvesTolerance: nil)
        case .full:
            LoadRules(
                name: "full", version: "1", minimumDuration: .seconds(60), minimumQueries: 662,
                percentile: 0.99)
        case .conformance:
            LoadRules(
                name: "conformance", version: "1", minimumDuration: .seconds(600),
                minimumQueries: isOffline ? 24_576 : 662, percentile: 0.99, contentionEffect: .invalid)
        }
    }
}

extension LoadRules: Codable {
    private enum CodingKeys: String, CodingKey {
        case name, version, percentile, confidence
        case minimumDuration = "min_duration_ns"
        case minimumQueries = "min_query_count"
        case latencyLimit = "latency_limit_ns"
        case rateTolerance = "rate_tolerance"
        case issueSlipLimit = "issue_slip_limit_ns"
        case halvesTolerance = "halves_tolerance"
        case stealLimit = "steal_limit"
        case contentionEffect = "contention_effect"
        case floor = "floor_ns"
    }

    package init(from decoder: any Decoder) throws {
        let values = try decoder.container(keyedBy: CodingKeys.self)
        func duration(_ key: CodingKeys) throws -> Duration? {
            try values.decodeIfPresent(Int64.self, forKey: key).map { .nanoseconds($0) }
        }
        self.init(
            name: try values.decode(String.self, forKey: .name),
            version: try values.decode(String.self, forKey: .version),
            minimumDuration: .nanoseconds(try values.decode(Int64.self, forKey: .minimumDuration)),
            minimumQueries: try values.decode(Int.self, forKey: .minimumQueries),
            percentile: try values.decodeIfPresent(Double.self, forKey: .percentile),
            confidence: try values.decode(Double.self, forKey: .confidence),
            latencyLimit: try duration(.latencyLimit),
            rateTolerance: try values.decode(Double.self, forKey: .rateTolerance),
            issueSlipLimit: .nanoseconds(try values.decode(Int64.self, forKey: .issueSlipLimit)),
            halvesTolerance: try values.decodeIfPresent(Double.self, forKey: .halvesTolerance),
            stealLimit: try values.decode(Double.self, forKey: .stealLimit),
            contentionEffect: try values.decode(Check.Effect.self, forKey: .contentionEffect),
            floor: try duration(.floor))
    }

    package func encode(to encoder: any Encoder) throws {
        var values = encoder.container(keyedBy: CodingKeys.self)
        try values.encode(name, forKey: .name)
        try values.encode(version, forKey: .version)
        try values.encode(minimumDuration.nanoseconds, forKey: .minimumDuration)
        try values.encode(minimumQueries, forKey: .minimumQueries)
        try values.encodeIfPresent(percentile, forKey: .percentile)
        try values.encode(confidence, forKey: .confidence)
        try values.encodeIfPresent(latencyLimit?.nanoseconds, forKey: .latencyLimit)
        try values.encode(rateTolerance, forKey: .rateTolerance)
        try values.encode(issueSlipLimit.nanoseconds, forKey: .issueSlipLimit)
        try values.encodeIfPresent(halvesTolerance, forKey: .halvesTolerance)
        try values.encode(stealLimit, forKey: .stealLimit)
        try values.encode(contentionEffect, forKey: .contentionEffect)
        try values.encodeIfPresent(floor?.nanoseconds, forKey: .floor)
    }
}
