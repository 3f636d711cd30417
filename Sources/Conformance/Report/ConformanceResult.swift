package import DeviceConformance
package import Essentials

/// One case in one mode.
package struct CaseResult: Codable, Hashable, Sendable {
    package var name: String
    package var group: ConformanceGroup
    package var mode: ConformanceMode
    package var report: CaseReport
    /// The line that runs it again.
    package var command: String

    package init(
        name: String, group: ConformanceGroup, mode: ConformanceMode, report: CaseReport, command: String
    ) {
        self.name = name
        self.group = group
        self.mode = mode
        self.report = report
        self.command = command
    }

    package var outcome: CaseOutcome { report.outcome }
}

/// A whole run, as reports show it and as its JSON keeps it.
package struct ConformanceResult: Codable, Sendable {
    package var schema = "heng/conformance/1"
    package var version: String
    package var cases: String
    package var tolerance: ToleranceRule
    /// When it began, in the form of ISO 8601.
    package var started: String
    package var seconds: Double
    package var results: [CaseResult]

    package init(
        version: String, cases: String, tolerance: ToleranceRule, started: String, seconds: Double,
        results: [CaseResult]
    ) {
        self.version = version
        self.cases = cases
        self.tolerance = tolerance
        self.started = started
        self.seconds = seconds
        self.results = results
    }

    /// Those that say something against us.
    package var failures: [CaseResult] { results.filter { !$0.outcome.isFine } }

    /// Whether all was run and all is well; a run of nothing is not.
    package var isConforming: Bool { results.contains { $0.outcome == .pass } && failures.isEmpty }

    package var exitCode: ExitCode { isConforming ? .done : .negative }
}

/// How many cases of one group ended how in one mode.
package struct ConformanceCounts: Hashable, Sendable {
    package var mode: ConformanceMode
    package var group: ConformanceGroup
    package var outcomes: [CaseOutcome.Word: Int] = [:]
    package var strict = 0
    package var standard = 0

    package var total: Int { outcomes.values.reduce(0, +) }
}

extension ConformanceResult {
    /// The counts of every mode and group that was run.
    package var counts: [ConformanceCounts] {
        ConformanceMode.allCases.flatMap { mode in
            ConformanceGroup.allCases.compactMap { group in
                let own = results.filter { $0.mode == mode && $0.group == group }
                return own.isEmpty ? nil : counts(of: own, mode, group)
            }
        }
    }

    private func counts(
        of results: [CaseResult], _ mode: ConformanceMode, _ group: ConformanceGroup
    ) -> ConformanceCounts {
        var counts = ConformanceCounts(mode: mode, group: group)
        for result in results {
            counts.outcomes[result.outcome.word, default: 0] += 1
            if result.report.passes?[.strict] == true { counts.strict += 1 }
            if result.report.passes?[.standard] == true { counts.standard += 1 }
        }
        return counts
    }

    /// One row of words for each of `counts`, with `columns` above.
    package var countRows: [[String]] {
        counts.map { row in
            [row.mode.rawValue, row.group.rawValue, "\(row.total)"]
                + CaseOutcome.Word.allCases.map { "\(row.outcomes[$0] ?? 0)" }
                + ["\(row.strict)", "\(row.standard)"]
        }
    }

    package static let countColumns =
        ["MODE", "GROUP", "CASES"] + CaseOutcome.Word.allCases.map { $0.rawValue.uppercased() }
        + ["STRICT", "STANDARD"]
}
