/// What running one case of the kit showed.
package struct KitReport: WorkerReport, Hashable, Sendable, Codable {
    package var outcome: CaseOutcome
    package var seconds: Double
    /// The largest errors against what was expected, where numbers were compared.
    package var worst: WorstErrors?
    /// What a property's random inputs came from.
    package var seed: UInt64?
    /// The same for the same bits of all outputs.
    package var digest: UInt64?
    package var measurements: [MeasuredRate] = []
    /// The operators and types that it checked, where only the worker knows them.
    package var cells: [OperatorCell] = []
    /// The operators of its model, with the versions that it is written for.
    package var versions: [OperatorVersion] = []
    /// What else the case has to tell, in a form of its own.
    package var details: String?

    package init(outcome: CaseOutcome, seconds: Double = 0) {
        self.outcome = outcome
        self.seconds = seconds
    }

    private enum CodingKeys: String, CodingKey {
        case outcome, reason, seconds, worst, seed, digest, measurements, cells, versions, details
    }

    package init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        outcome = CaseOutcome(
            try container.decode(CaseOutcome.Word.self, forKey: .outcome),
            reason: try container.decodeIfPresent(String.self, forKey: .reason))
        seconds = try container.decode(Double.self, forKey: .seconds)
        worst = try container.decodeIfPresent(WorstErrors.self, forKey: .worst)
        seed = try container.decodeIfPresent(UInt64.self, forKey: .seed)
        digest = try container.decodeIfPresent(UInt64.self, forKey: .digest)
        measurements = try container.decodeIfPresent([MeasuredRate].self, forKey: .measurements) ?? []
        cells = try container.decodeIfPresent([OperatorCell].self, forKey: .cells) ?? []
        versions = try container.decodeIfPresent([OperatorVersion].self, forKey: .versions) ?? []
        details = try container.decodeIfPresent(String.self, forKey: .details)
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(outcome.word, forKey: .outcome)
        try container.encodeIfPresent(outcome.reason, forKey: .reason)
        try container.encode(seconds, forKey: .seconds)
        try container.encodeIfPresent(worst, forKey: .worst)
        try container.encodeIfPresent(seed, forKey: .seed)
        try container.encodeIfPresent(digest, forKey: .digest)
        if !measurements.isEmpty { try container.encode(measurements, forKey: .measurements) }
        try container.encodeIfPresent(details, forKey: .details)
        if !cells.isEmpty { try container.encode(cells, forKey: .cells) }
        if !versions.isEmpty { try container.encode(versions, forKey: .versions) }
    }
}

/// How far outputs lay from what was expected.
package struct WorstErrors: Codable, Hashable, Sendable {
    package var absolute: Double?
    package var relative: Double?
    /// In steps between neighbouring floats of the type.
    package var ulp: UInt64?
    /// Squared errors over expected squares.
    package var nmse: Double?

    package init(absolute: Double? = nil, relative: Double? = nil, ulp: UInt64? = nil, nmse: Double? = nil) {
        self.absolute = absolute
        self.relative = relative
        self.ulp = ulp
        self.nmse = nmse
    }
}
