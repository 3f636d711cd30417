internal import Essentials
internal import Results
internal import Telemetry

/// One figure of a result in words, as every face of the report shows it.
struct ReportRow: Equatable {
    var workload: String
    var scenario: String
    var metric: String
    var value: String
    var interval: String
    var ceiling: String
    var quality: String
    var verdict: String

    static let titles = ReportRow(
        workload: "Workload", scenario: "Scenario", metric: "Metric", value: "Value", interval: "Interval",
        ceiling: "Of ceiling", quality: "Quality (target)", verdict: "Verdict")

    var cells: [String] { [workload, scenario, metric, value, interval, ceiling, quality, verdict] }

    /// The rows of a workload: its headline with everything that belongs to it, then its second figure.
    static func rows(of workload: WorkloadResult, figures: Int = 2) -> [ReportRow] {
        let metrics = workload.metrics.prefix(figures)
        let first = ReportRow(
            workload: workload.name, scenario: words(workload.scenario), metric: "no figure", value: "-",
            interval: "-", ceiling: workload.fractionOfCeiling.map(percent) ?? "-",
            quality: workload.quality.map(text) ?? "-", verdict: workload.validity.verdict.rawValue)
        guard !metrics.isEmpty else { return [first] }
        return metrics.enumerated().map { index, metric in
            var row =
                index == 0
                ? first
                : ReportRow(
                    workload: "", scenario: "", metric: "", value: "", interval: "", ceiling: "",
                    quality: "", verdict: "")
            row.metric = words(metric.name)
            row.value = metric.value.map { "\(number($0)) \(metric.unit)" } ?? "none"
            row.interval = interval(of: metric)
            return row
        }
    }

    private static func interval(of metric: Metric) -> String {
        switch (metric.low, metric.high) {
        case (let low?, let high?): "\(number(low)) … \(number(high))"
        case (nil, let high?): "≤ \(number(high))"
        case (let low?, nil): "≥ \(number(low))"
        case (nil, nil): "-"
        }
    }

    private static func text(_ quality: Quality) -> String {
        let isShare = (0...1).contains(quality.value) && (0...1).contains(quality.target)
        func text(_ value: Double) -> String { isShare ? percent(value) : number(value) }
        return "\(quality.pass ? "" : "FAILED ")\(text(quality.value)) (\(text(quality.target)))"
    }
}

/// A machine name as people read it: `single_stream` is "single stream".
func words(_ name: String) -> String { String(name.map { $0 == "_" ? " " : $0 }) }

func percent(_ share: Double) -> String { "\((share * 100).formatted(significant: 3)) %" }

/// Four significant digits, with the thousands of long numbers apart.
func number(_ value: Double) -> String {
    let text = value.formatted(significant: 4)
    guard abs(value) >= 10_000, !text.contains(".") else { return text }
    var grouped = ""
    for (index, digit) in text.reversed().enumerated() {
        if index > 0, index % 3 == 0, digit != "-" { grouped.append(",") }
        grouped.append(digit)
    }
    return String(grouped.reversed())
}

/// A large number with the prefix of its thousands: `67.1 G`.
func scaled(_ value: Double) -> String {
    for (factor, prefix) in [(1e15, "P"), (1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "k")]
    where abs(value) >= factor {
        return "\((value / factor).formatted(significant: 3)) \(prefix)"
    }
    return "\(value.formatted(significant: 3)) "
}

extension RunResult {
    /// What may be said about the whole, in one line.
    var headline: String {
        guard complete else { return "INCOMPLETE: \(incompleteReason ?? "the run did not end")" }
        let valid = workloads.count { $0.validity.verdict == .valid }
        return "\(verdict.rawValue): \(valid) of \(workloads.count) workloads valid"
    }
}

/// Something that keeps a result from being valid or whole, and all workloads that share it.
struct Finding: Equatable {
    var workloads: [String]
    /// The rule, the audit or the missing figure.
    var subject: String
    /// `invalid`, `inconclusive` or `warning`.
    var effect: Check.Effect
    var detail: String
    var remedy: String

    /// All findings of a result, the gravest first, alike ones together.
    static func all(in result: RunResult) -> [Finding] {
        var findings: [Finding] = []
        for workload in result.workloads {
            for finding in of(workload) {
                let same = findings.firstIndex {
                    ($0.subject, $0.effect, $0.detail, $0.remedy)
                        == (finding.subject, finding.effect, finding.detail, finding.remedy)
                }
                if let same {
                    findings[same].workloads += finding.workloads
                } else {
                    findings.append(finding)
                }
            }
        }
        let order: [Check.Effect] = [.invalid, .inconclusive, .warning]
        return order.flatMap { effect in findings.filter { $0.effect == effect } }
    }

    private static func of(_ workload: WorkloadResult) -> [Finding] {
        let names = [title(of: workload)]
        let checks = workload.validity.failures.map {
            Finding(
                workloads: names, subject: $0.rule, effect: $0.effect,
                detail: "\($0.measured); required: \($0.required)", remedy: $0.remedy ?? "")
        }
        let audits = workload.uncheckedAudits.filter { !$0.pass }.map {
            Finding(workloads: names, subject: $0.id, effect: .invalid, detail: $0.detail, remedy: "")
        }
        let gaps = workload.metrics.filter { $0.value == nil }.map {
            Finding(
                workloads: names, subject: "no \(words($0.name))", effect: .warning,
                detail: $0.reason ?? "no reason was given", remedy: "")
        }
        return checks + audits + gaps
    }
}

/// A workload and its scenario as one name.
func title(of workload: WorkloadResult) -> String { "\(workload.name), \(words(workload.scenario))" }

extension WorkloadResult {
    /// Audits that are not among the checks as `audit.<id>`, so that none is shown twice.
    var uncheckedAudits: [Audit] {
        audits.filter { audit in !validity.checks.contains { $0.rule == "audit.\(audit.id)" } }
    }
}

extension RunResult {
    /// The remarks of all workloads, alike ones together.
    var groupedNotes: [(workloads: [String], text: String)] {
        var notes: [(workloads: [String], text: String)] = []
        for workload in workloads {
            for text in workload.notes {
                if let same = notes.firstIndex(where: { $0.text == text }) {
                    notes[same].workloads.append(title(of: workload))
                } else {
                    notes.append((workloads: [title(of: workload)], text: text))
                }
            }
        }
        return notes
    }
}

/// Names in a sentence: both of two, else the first and how many more.
func listed(_ names: [String]) -> String {
    names.count <= 2 ? names.joined(separator: " and ") : "\(names[0]) and \(names.count - 1) more"
}
