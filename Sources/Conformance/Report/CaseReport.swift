package import DeviceConformance

/// What running a case once showed.
package struct CaseReport: WorkerReport, Hashable {
    package var outcome: CaseOutcome
    package var seconds = 0.0
    /// Whether each rule is content; nil where nothing could be compared.
    package var passes: [ToleranceRule: Bool]?
    /// See `Agreement`.
    package var worstSteps: UInt64?
    package var worstError: Double?
    /// The same for the same bits of all outputs; only in the mode `threads`.
    package var digest: UInt64?

    package init(outcome: CaseOutcome, seconds: Double = 0) {
        self.outcome = outcome
        self.seconds = seconds
    }

    /// The judgement by one of the rules.
    init(_ agreement: Agreement, by rule: ToleranceRule) {
        outcome = agreement.problems[rule].map { .fail($0 + ".") } ?? .pass
        passes = Dictionary(
            uniqueKeysWithValues: ToleranceRule.allCases.map { ($0, agreement.problems[$0] == nil) })
        worstSteps = agreement.worstSteps
        worstError = agreement.worstError
    }
}

/// Flat, so that a line of JSON is easy to read by other programs.
extension CaseReport: Codable {
    private enum CodingKeys: String, CodingKey {
        case outcome, reason, seconds, strict, standard, digest
        case worstSteps = "worst_ulp"
        case worstError = "nmse"
    }

    package init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        outcome = CaseOutcome(
            try container.decode(CaseOutcome.Word.self, forKey: .outcome),
            reason: try container.decodeIfPresent(String.self, forKey: .reason))
        seconds = try container.decode(Double.self, forKey: .seconds)
        if let strict = try container.decodeIfPresent(Bool.self, forKey: .strict) {
            let standard = try container.decodeIfPresent(Bool.self, forKey: .standard)
            passes = [.strict: strict, .standard: standard ?? strict]
        }
        worstSteps = try container.decodeIfPresent(UInt64.self, forKey: .worstSteps)
        worstError = try container.decodeIfPresent(Double.self, forKey: .worstError)
        digest = try container.decodeIfPresent(UInt64.self, forKey: .digest)
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(outcome.word, forKey: .outcome)
        try container.encodeIfPresent(outcome.reason, forKey: .reason)
        try container.encode(seconds, forKey: .seconds)
        try container.encodeIfPresent(passes?[.strict], forKey: .strict)
        try container.encodeIfPresent(passes?[.standard], forKey: .standard)
        try container.encodeIfPresent(worstSteps, forKey: .worstSteps)
        try container.encodeIfPresent(worstError, forKey: .worstError)
        try container.encodeIfPresent(digest, forKey: .digest)
    }
}
