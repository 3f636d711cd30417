internal import Essentials
internal import FoundationEssentials
package import Results

/// The rules of a suite, read from `Config/suites`; the file is compiled in, and its hash is part of every result.
package struct SuiteRules: Codable, Hashable, Sendable {
    package struct Inference: Codable, Hashable, Sendable {
        package var model: String
        package var latencyLimitMilliseconds: Double
        /// The part of the replicas' measured rate at which Server asks.
        package var serverLoad: Double
        /// The least part of the reference accuracy.
        package var accuracyFraction: Double

        private enum CodingKeys: String, CodingKey {
            case model
            case latencyLimitMilliseconds = "latency_limit_ms"
            case serverLoad = "server_load"
            case accuracyFraction = "accuracy_fraction"
        }
    }

    package struct Training: Codable, Hashable, Sendable {
        package var targetAccuracy: Double
        package var timeLimitSeconds: Double
        /// How far the losses of several ranks may be from those of one rank, as a share.
        package var rankTolerance: Double
        package var rankSteps: Int

        private enum CodingKeys: String, CodingKey {
            case targetAccuracy = "target_accuracy"
            case timeLimitSeconds = "time_limit_s"
            case rankTolerance = "rank_tolerance"
            case rankSteps = "rank_steps"
        }
    }

    package struct TierRules: Codable, Hashable, Sendable {
        package var accuracySamples: Int
        package var scenarioSeconds: Double
        package var trainingRuns: Int
        package var ceilingSeconds: Double

        private enum CodingKeys: String, CodingKey {
            case accuracySamples = "accuracy_samples"
            case scenarioSeconds = "scenario_seconds"
            case trainingRuns = "training_runs"
            case ceilingSeconds = "ceiling_seconds"
        }
    }

    package var name: String
    package var version: String
    package var note: String
    package var inference: [Inference]
    package var training: Training
    /// Samples that Offline puts into one request.
    package var batch: Int
    package var tiers: [String: TierRules]
}

extension SuiteRules {
    /// The suites that there are, by name.
    package static let names = ["server"]

    package static func load(_ name: String) throws -> SuiteRules {
        guard names.contains(name) else {
            throw Failure(
                "There is no suite \(name).", nextStep: "See heng bench list.",
                exitCode: .wrongUse)
        }
        return try JSONDecoder().decode(SuiteRules.self, from: Data(PackageResources.server_json))
    }

    /// Name, version and the hash of the very text that was read.
    package var record: RuleSetRecord {
        RuleSetRecord(name: name, version: version, sha256: sha256Hex(PackageResources.server_json))
    }

    package func rules(for tier: Tier) throws -> TierRules {
        guard let rules = tiers[tier.rawValue] else {
            throw Failure("Suite \(name) has no tier \(tier.rawValue).", exitCode: .wrongUse)
        }
        return rules
    }
}

extension SuiteRules: CustomStringConvertible {
    package var description: String {
        let models = inference.map { "\($0.model) (single stream, server, offline)" }
        let tiers = Tier.allCases.compactMap { tier in
            self.tiers[tier.rawValue].map { rules in
                "  \(tier.rawValue.padded(to: 12)) \(rules.scenarioSeconds) s per scenario, "
                    + "\(rules.accuracySamples) samples for accuracy, "
                    + "\(rules.trainingRuns) training\(rules.trainingRuns == 1 ? "" : "s") (\(tier.label))"
            }
        }
        return
            (["\(name), version \(version): \((models + ["digits (training)"]).joined(separator: ", "))"]
            + tiers)
            .joined(separator: "\n")
    }
}
