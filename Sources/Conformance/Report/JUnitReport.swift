internal import DeviceConformance
internal import Essentials
internal import Results

/// A run as the XML that servers of continuous integration read: one suite for each mode and group.
package enum JUnitReport {
    package static func xml(_ result: ConformanceResult) -> String {
        let suites = result.counts.map { suite($0, result) }
        return """
            <?xml version="1.0" encoding="UTF-8"?>
            <testsuites name="heng conform onnx" time="\(number(result.seconds))">
            \(suites.joined(separator: "\n"))
            </testsuites>

            """
    }

    private static func suite(_ counts: ConformanceCounts, _ result: ConformanceResult) -> String {
        let own = result.results.filter { $0.mode == counts.mode && $0.group == counts.group }
        func count(_ words: CaseOutcome.Word...) -> Int {
            words.reduce(0) { $0 + (counts.outcomes[$1] ?? 0) }
        }
        let name = escaped("onnx.\(counts.group.rawValue).\(counts.mode.rawValue)")
        let time = number(own.reduce(0) { $0 + $1.report.seconds })
        return """
            <testsuite name="\(name)" tests="\(own.count)" failures="\(count(.fail, .unsupported))" \
            errors="\(count(.crashed, .timedOut))" skipped="\(count(.excluded, .notRun))" time="\(time)" \
            timestamp="\(escaped(result.started))">
            \(own.map { testCase($0, name) }.joined(separator: "\n"))
            </testsuite>
            """
    }

    private static func testCase(_ result: CaseResult, _ suite: String) -> String {
        let head =
            "<testcase name=\"\(escaped(result.name))\" classname=\"\(suite)\" "
            + "time=\"\(number(result.report.seconds))\""
        guard result.outcome != .pass else { return head + "/>" }
        let message = escaped(result.outcome.reason ?? "")
        let word = result.outcome.word
        let element =
            switch word {
            case .pass, .excluded, .notRun: "<skipped message=\"\(message)\"/>"
            case .fail, .unsupported:
                "<failure type=\"\(word.rawValue)\" message=\"\(message)\">\(escaped(result.command))</failure>"
            case .crashed, .timedOut:
                "<error type=\"\(word.rawValue)\" message=\"\(message)\">\(escaped(result.command))</error>"
            }
        return "\(head)>\(element)</testcase>"
    }

    private static func number(_ seconds: Double) -> String { seconds.formatted(digits: 4) }
}
