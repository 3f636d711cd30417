internal import Essentials
internal import Results

/// A run as the XML that servers of continuous integration read: one suite for each level.
package enum KitJUnit {
    package static func xml(_ result: KitResult) -> String {
        let suites = result.levels.map { suite($0, result) }
        return """
            <?xml version="1.0" encoding="UTF-8"?>
            <testsuites name="heng conform \(escaped(result.device.id))" time="\(number(result.seconds))">
            \(suites.joined(separator: "\n"))
            </testsuites>

            """
    }

    private static func suite(_ level: Level, _ result: KitResult) -> String {
        let own = result.results.filter { $0.level == level }
        func count(_ verdicts: Verdict...) -> Int { own.count { verdicts.contains($0.verdict) } }
        let time = number(own.reduce(0) { $0 + $1.seconds })
        return """
            <testsuite name="\(level.rawValue)" tests="\(own.count)" failures="\(count(.fail))" \
            errors="\(count(.crashed, .timedOut))" \
            skipped="\(count(.excluded, .notRun, .unsupportedOutsideProfile))" time="\(time)" \
            timestamp="\(escaped(result.started))">
            \(own.map(testCase).joined(separator: "\n"))
            </testsuite>
            """
    }

    private static func testCase(_ result: KitCaseResult) -> String {
        let head =
            "<testcase name=\"\(escaped(result.name))\" classname=\"\(result.level.rawValue)\" "
            + "time=\"\(number(result.seconds))\""
        let message = escaped(result.reason ?? "")
        let (word, command) = (result.verdict.rawValue, escaped(result.command))
        switch result.verdict {
        case .pass: return head + "/>"
        case .excluded, .notRun, .unsupportedOutsideProfile:
            return "\(head)><skipped message=\"\(word): \(message)\"/></testcase>"
        case .fail:
            return "\(head)><failure type=\"\(word)\" message=\"\(message)\">\(command)</failure></testcase>"
        case .crashed, .timedOut:
            return "\(head)><error type=\"\(word)\" message=\"\(message)\">\(command)</error></testcase>"
        }
    }

    private static func number(_ seconds: Double) -> String { seconds.formatted(digits: 4) }
}
