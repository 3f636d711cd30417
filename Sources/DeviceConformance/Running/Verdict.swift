/// How a case of the kit ended, in exactly one of seven ways.
package enum Verdict: String, Codable, Hashable, Sendable, CaseIterable {
    case pass
    case fail
    case unsupportedOutsideProfile = "unsupported-outside-profile"
    case excluded
    case notRun = "not-run"
    case crashed
    case timedOut = "timed-out"

    /// Whether the case was really run on the device.
    package var isExecuted: Bool { [.pass, .fail, .crashed, .timedOut].contains(self) }
    /// Whether it says something against the device.
    package var isBad: Bool { [.fail, .crashed, .timedOut, .notRun].contains(self) }
}

/// Turns what a worker answered into a verdict, by what the profile promises.
package struct Judge: Sendable {
    package var profile: Profile
    /// Whether excluded cases that pass count as failures.
    package var isVerifying: Bool

    package init(profile: Profile, isVerifying: Bool) {
        self.profile = profile
        self.isVerifying = isVerifying
    }

    /// Whether a case is to be run at all.
    package func runs(_ given: KitCase) -> Bool {
        guard let exclusion = profile.exclusion(of: given.name) else { return true }
        return isVerifying || exclusion.kind == .notYet
    }

    package func judge(_ given: KitCase, _ report: KitReport?, command: String) -> KitCaseResult {
        var result = KitCaseResult(given, command: command)
        guard let report else {
            result.verdict = .excluded
            result.exclusion = profile.exclusion(of: given.name)
            result.reason = result.exclusion?.reason
            return result
        }
        result.take(report)
        (result.verdict, result.reason) = verdict(given, report)
        // What is asked of it in a version that it is not listed for says nothing, unless the process ends of it.
        if let refusal = profile.refusal(of: report.versions), [.pass, .fail].contains(result.verdict) {
            (result.verdict, result.reason) = (.unsupportedOutsideProfile, refusal)
        }
        if let breach = breach(of: report), result.verdict == .pass {
            (result.verdict, result.reason) = (.fail, breach)
        }
        if let exclusion = profile.exclusion(of: given.name) { exclude(&result, exclusion) }
        return result
    }

    private func verdict(_ given: KitCase, _ report: KitReport) -> (Verdict, String?) {
        let reason = report.outcome.reason
        switch report.outcome {
        case .pass: return (.pass, nil)
        case .fail: return (.fail, reason)
        case .crashed: return (.crashed, reason)
        case .timedOut: return (.timedOut, reason)
        case .notRun: return (.notRun, reason)
        case .excluded: return (.excluded, reason)
        case .unsupported:
            let cells = report.cells.isEmpty ? given.cells : report.cells
            if profile.operators == nil, given.work != nil, [.operators, .models].contains(given.level) {
                return (.fail, "The profile has every operator. \(reason ?? "")")
            }
            guard !cells.isEmpty, cells.allSatisfy({ profile.has($0) }) else {
                return (.unsupportedOutsideProfile, reason)
            }
            let names = cells.map { "\($0.operatorName) on \($0.type)" }.joined(separator: ", ")
            return (.fail, "The profile has \(names). \(reason ?? "")")
        }
    }

    private func breach(of report: KitReport) -> String? {
        for budget in profile.budgets {
            for rate in report.measurements {
                if let breach = budget.breach(by: rate) { return breach }
            }
        }
        return nil
    }

    private func exclude(_ result: inout KitCaseResult, _ exclusion: ProfileExclusion) {
        result.exclusion = exclusion
        guard result.verdict == .pass else {
            (result.verdict, result.reason) = (.excluded, exclusion.reason)
            return
        }
        result.isUnexpectedPass = true
        let sentence = "It passes, and the profile excludes it: \(exclusion.reason)"
        (result.verdict, result.reason) = (isVerifying ? .fail : .excluded, sentence)
    }
}
