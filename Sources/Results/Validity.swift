package import Essentials

/// What the rules say about a result.
package enum Verdict: String, Codable, Sendable {
    case valid = "VALID"
    case invalid = "INVALID"
    case inconclusive = "INCONCLUSIVE"
}

/// One rule held against what was measured.
package struct Check: Codable, Equatable, Sendable {
    /// What a failure of the rule means for the whole.
    package enum Effect: String, Codable, Sendable {
        /// The result does not count.
        case invalid
        /// The result may be right, but this run does not show it.
        case inconclusive
        /// The reader should know.
        case warning
    }

    /// The rule's name, which is a promise: `latency.limit`.
    package var rule: String
    package var measured: String
    package var required: String
    package var pass: Bool
    package var effect: Effect
    /// What to do about a failure.
    package var remedy: String?

    package init(
        rule: String, measured: String, required: String, pass: Bool, effect: Effect = .invalid,
        remedy: String? = nil
    ) {
        self.rule = rule
        self.measured = measured
        self.required = required
        self.pass = pass
        self.effect = effect
        self.remedy = remedy
    }
}

/// A verdict and the checks that led to it.
package struct Validity: Codable, Equatable, Sendable {
    package var verdict: Verdict
    package var checks: [Check]

    /// The verdict follows from the checks alone; a result that nothing checked is not a valid one.
    package init(checks: [Check]) {
        self.checks = checks
        let failed = checks.filter { !$0.pass }
        if failed.contains(where: { $0.effect == .invalid }) {
            verdict = .invalid
        } else if checks.isEmpty || failed.contains(where: { $0.effect == .inconclusive }) {
            verdict = .inconclusive
        } else {
            verdict = .valid
        }
    }

    /// The same with more checks, judged anew.
    package func adding(_ more: [Check]) -> Validity { Validity(checks: checks + more) }

    package var failures: [Check] { checks.filter { !$0.pass } }
}

extension RunResult {
    /// The worst verdict of the workloads; inconclusive for a partial or empty record.
    package var verdict: Verdict {
        let verdicts = workloads.map(\.validity.verdict)
        if verdicts.contains(.invalid) { return .invalid }
        return complete && !verdicts.isEmpty && !verdicts.contains(.inconclusive) ? .valid : .inconclusive
    }

    /// How a program that made this record ends.
    package var exitCode: ExitCode {
        guard complete else { return .executionFailed }
        return switch verdict {
        case .valid: .done
        case .invalid: .negative
        case .inconclusive: .inconclusive
        }
    }
}
