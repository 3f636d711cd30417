import Conformance
import DeviceConformance
import Essentials
import Foundation
import Testing

private func result(_ name: String, _ outcome: CaseOutcome, _ mode: ConformanceMode = .asIs) -> CaseResult {
    var report = CaseReport(outcome: outcome, seconds: 0.125)
    if outcome == .pass { report.passes = [.strict: true, .standard: true] }
    return CaseResult(name: name, group: .node, mode: mode, report: report, command: "heng '^\(name)$'")
}

private func run(_ results: [CaseResult]) -> ConformanceResult {
    ConformanceResult(
        version: "0.1.0", cases: "/cases", tolerance: .strict, started: "2026-01-02T03:04:05.000Z",
        seconds: 2,
        results: results)
}

private let oneOfEach = run([
    result("test_pass", .pass), result("test_fail", .fail("y is <1> & not \"2\".")),
    result("test_unsupported", .unsupported("No operator.")), result("test_excluded", .excluded("Random.")),
    result("test_crashed", .crashed("Signal 11.")), result("test_timed", .timedOut("Too long.")),
    result("test_not", .notRun("Interrupted.")), result("test_pass", .pass, .symbolic),
])

@Suite("Results")
struct ConformanceResultTests {
    @Test(arguments: [
        ([result("a", .pass)], ExitCode.done),
        ([result("a", .pass), result("b", .excluded("Random."))], .done),
        ([], .negative),
        ([result("b", .excluded("Random."))], .negative),
        ([result("a", .pass), result("b", .fail("No."))], .negative),
        ([result("a", .pass), result("b", .unsupported("No."))], .negative),
        ([result("a", .pass), result("b", .notRun("No."))], .negative),
        ([result("a", .pass), result("b", .crashed("No."))], .negative),
    ])
    func `the answer is yes only when something was run and all of it is well`(
        results: [CaseResult], code: ExitCode
    ) {
        #expect(run(results).exitCode == code)
    }

    @Test func `counts are by mode and group`() {
        let counts = oneOfEach.counts

        #expect(counts.map(\.mode) == [.asIs, .symbolic])
        #expect(counts[0].total == 7)
        #expect(CaseOutcome.Word.allCases.allSatisfy { counts[0].outcomes[$0] == 1 })
        #expect(counts[0].strict == 1)
        #expect(
            oneOfEach.countRows[0] == ["as-is", "node", "7", "1", "1", "1", "1", "1", "1", "1", "1", "1"])
        #expect(oneOfEach.countRows[0].count == ConformanceResult.countColumns.count)
    }

    @Test func `JSON keeps everything`() throws {
        let data = try JSONEncoder().encode(oneOfEach)

        let read = try JSONDecoder().decode(ConformanceResult.self, from: data)

        #expect(read.results == oneOfEach.results)
        #expect(read.schema == "heng/conformance/1")
    }

    @Test func `a line of JSON names its figures as others do`() throws {
        var report = CaseReport(outcome: .fail("No."), seconds: 1)
        report.passes = [.strict: false, .standard: true]
        report.worstSteps = 7
        report.worstError = 0.5

        let value = try JSONSerialization.jsonObject(with: JSONEncoder().encode(report)) as? [String: Any]

        #expect(
            value.map { Set($0.keys) } == [
                "outcome", "reason", "seconds", "strict", "standard", "worst_ulp", "nmse",
            ])
        #expect(value?["outcome"] as? String == "fail")
    }

    @Test func `JUnit's XML has one suite for each mode and group, and escapes`() {
        let xml = JUnitReport.xml(oneOfEach)

        #expect(
            xml.contains(
                #"<testsuite name="onnx.node.as-is" tests="7" failures="2" errors="2" skipped="2" time="0.8750""#
            ))
        #expect(xml.contains(#"<testsuite name="onnx.node.symbolic" tests="1" failures="0""#))
        #expect(xml.contains(#"message="y is &lt;1&gt; &amp; not &quot;2&quot;.""#))
        #expect(
            xml.contains(#"<error type="timed-out" message="Too long.">heng &#39;^test_timed$&#39;</error>"#))
        #expect(xml.contains(#"<skipped message="Random."/>"#))
        #expect(xml.components(separatedBy: "<testcase ").count - 1 == 8)
    }

    @Test func `the page shows failures with reason and command, and all cases`() {
        let page = ConformancePage.html(oneOfEach)

        #expect(page.contains("<h1>2 of 8 cases pass</h1>"))
        #expect(page.contains("NOT CONFORMING"))
        #expect(page.contains("y is &lt;1&gt; &amp; not &quot;2&quot;."))
        #expect(page.contains("<code>heng &#39;^test_fail$&#39;</code>"))
        #expect(page.contains("test_excluded"))
        #expect(!page.contains("<script"))
    }

    @Test func `the page of a run where all is well says so`() {
        let page = ConformancePage.html(run([result("a", .pass)]))

        #expect(page.contains("Every case passed or is excluded."))
        #expect(!page.contains("NOT CONFORMING"))
    }

    @Test func `every exclusion has a reason, and none is named twice`() {
        let names = Exclusion.all.map(\.name)

        #expect(Set(names).count == names.count)
        #expect(Exclusion.all.allSatisfy { $0.reason.hasSuffix(".") })
    }
}
