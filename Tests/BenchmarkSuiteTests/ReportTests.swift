import BenchmarkSuite
import Essentials
import Foundation
import Results
import Testing

private let drawing = """
    <?xml version="1.0"?>
    <svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 300 120"><rect x="5" y="5" width="290" height="110" \
    fill="none" stroke="#555"/><text x="15" y="30" font-size="14">Package 0</text></svg>
    """

@Suite("Result table")
struct ResultTableTests {
    @Test func `fits 120 columns and says for every workload what it is worth`() throws {
        let sample = try ReportSample()
        let text = ResultTable.text(sample.result)
        let lines = text.split(separator: "\n")

        #expect(lines.allSatisfy { $0.count <= 120 })
        #expect(text.contains("tier quick (estimate)"))
        #expect(lines.count { $0.hasPrefix("resnet50") && $0.hasSuffix(" VALID") } == 3)
        #expect(text.contains("* INVALID latency.limit (bert_small, server): p90 "))
        #expect(text.contains("INVALID: 6 of 7 workloads valid"))
    }

    @Test(arguments: [60, 80, 100, 200]) func `cuts names before numbers in other widths`(width: Int) throws {
        let sample = try ReportSample()
        let wide = ResultTable.text(sample.result, width: 300).split(separator: "\n")
        let narrow = ResultTable.text(sample.result, width: width).split(separator: "\n")

        let verdicts = narrow.count { $0.hasSuffix("VALID") && !$0.hasPrefix("*") }
        #expect(verdicts == wide.count { $0.hasSuffix("VALID") && !$0.hasPrefix("*") })
        #expect(
            narrow.filter { $0.hasPrefix("* ") || $0.hasPrefix("  ") }.allSatisfy {
                $0.count <= max(width, 96)
            })
    }

    @Test func `a partial run has no headline but its reason`() throws {
        var result = try ReportSample().result
        result.abandon(because: "interrupted by Ctrl-C", at: "later")

        #expect(ResultTable.text(result).hasSuffix("\nINCOMPLETE: interrupted by Ctrl-C\n"))
        #expect(!ResultTable.text(result).contains("workloads valid"))
    }

    @Test func `a figure that is missing shows its reason instead of a zero`() throws {
        var result = try ReportSample().result
        result.workloads[0].metrics[0] = Metric(
            name: "latency_p99", unit: "ms", better: .lower, method: "early-stopping", n: 12,
            missing: "12 queries; a bound of the p99 latency needs 662")

        let text = ResultTable.text(result)

        #expect(text.contains("none"))
        #expect(
            text.contains(
                "* WARNING no latency p99 (resnet50, single stream): 12 queries; a bound of the p99 latency needs 662"
            ))
    }

    @Test func `Markdown has a row per figure and no bar inside a cell`() throws {
        var result = try ReportSample().result
        result.workloads[0].name = "a|b"

        let lines = ResultTable.markdown(result).split(separator: "\n").filter { $0.hasPrefix("|") }

        #expect(lines.count > 8)
        #expect(lines.allSatisfy { $0.count { $0 == "|" } == 9 })
    }

    @Test func `CSV keeps every digit and quotes what needs it`() throws {
        var result = try ReportSample().result
        result.workloads[0].name = "a,\"b\""
        result.workloads[0].metrics[0].value = 1.2345678901234567

        let lines = ResultTable.csv(result).split(separator: "\r\n")

        #expect(lines[1].hasPrefix("\"a,\"\"b\"\"\",single_stream,latency_p90,ms,1.2345678901234567,"))
        #expect(lines.count == 1 + result.workloads.reduce(0) { $0 + $1.metrics.count })
    }
}

@Suite("Report page")
struct ReportPageTests {
    @Test func `is well-formed, complete in itself, and draws every plot`() throws {
        let sample = try ReportSample()

        let html = ReportPage.html(sample.result, samples: sample.samples, topologySVG: drawing)

        // For looking at it in a browser.
        if let path = ProcessInfo.processInfo.environment["HENG_REPORT_SAMPLE"] {
            try html.write(toFile: path, atomically: true, encoding: .utf8)
        }
        for part in [
            "Latency of resnet50, server", "Latency of bert_small, single stream", "Accuracy of digits_mlp",
            "Loss of digits_mlp", "<title>Roofline</title>", "Package 0", "no RAPL domain", "schedule 33",
            "limit 120", ">estimate<", "What these figures do not say", "@media print",
            "prefers-color-scheme:dark",
        ] {
            #expect(html.contains(part), "\(part)")
        }
        for outside in ["http://", "https://", "src=", "@import", "url(", "<script", "<link"] {
            let rest = html.replacing("http://www.w3.org/2000/svg", with: "")
            #expect(!rest.contains(outside), "\(outside)")
        }
        #expect(html.count < 400_000)
        #expect(imbalance(of: html) == [])
    }

    @Test func `every picture has words for those who cannot see it`() throws {
        let sample = try ReportSample()
        let html = ReportPage.html(sample.result, samples: sample.samples)

        let pictures = html.components(separatedBy: "<svg ").dropFirst()

        #expect(pictures.count >= 7)
        #expect(pictures.allSatisfy { $0.contains("role=\"img\" aria-label=\"") && $0.contains("<title>") })
    }

    @Test func `text from outside stays text`() throws {
        var result = try ReportSample().result
        let attack = "</td><script>alert('x')</script>\"&\u{1}"
        result.environment.machine = attack
        result.environment.unavailable[0].reason = attack
        result.workloads[0].name = attack
        result.workloads[0].notes = [attack]
        result.workloads[0].validity = result.workloads[0].validity.adding([
            Check(rule: attack, measured: attack, required: attack, pass: false, remedy: attack)
        ])
        result.incompleteReason = attack

        let html = ReportPage.html(result)

        #expect(!html.contains("<script"))
        #expect(!html.unicodeScalars.contains("\u{1}"))
        #expect(html.contains("&lt;script&gt;alert(&#39;x&#39;)&lt;/script&gt;&quot;&amp;"))
        #expect(imbalance(of: html) == [])
    }

    @Test func `a run without workloads, samples or ceilings still has a page`() throws {
        var result = try ReportSample().result
        result.workloads = []
        result.ceilings = []
        result.noise = nil
        result.abandon(because: "the disk was full", at: "later")

        let html = ReportPage.html(result)

        #expect(html.contains("This run did not end"))
        #expect(html.contains("the disk was full"))
        #expect(!html.contains("<h2>Training"))
        #expect(imbalance(of: html) == [])
    }

    @Test func `odd latencies do not break the plots`() throws {
        var sample = try ReportSample()
        let file = "samples-resnet50-server.csv"
        for latencies: [Int64] in [[], [5], [5, 5], [0, 0], [0, 1], [1, 1 << 50]] {
            sample.samples[file] = latencies.enumerated().map {
                SampleRecord(sequence: $0, sample: 0, scheduled: 0, issued: 0, end: $1)
            }
            let html = ReportPage.html(sample.result, samples: sample.samples)
            #expect(!html.contains("nan") && !html.contains("inf\""), "\(latencies)")
            #expect(imbalance(of: html) == [])
        }
    }

    /// The tags that are opened and not closed, or the other way round, in the order of their finding.
    private func imbalance(of html: String) -> [String] {
        let empty: Set<Substring> = ["meta", "br"]
        var open: [Substring] = []
        var faults: [String] = []
        for part in html.split(separator: "<").dropFirst() where !part.hasPrefix("!") && !part.hasPrefix("?")
        {
            let tag = part.prefix { $0 != ">" }
            let name = tag.drop { $0 == "/" }.prefix { $0.isLetter || $0.isNumber }
            if tag.hasPrefix("/") {
                if open.popLast() != name { faults.append("</\(name)>") }
            } else if !tag.hasSuffix("/") && !empty.contains(name) {
                open.append(name)
            }
        }
        return faults + open.map { "<\($0)>" }
    }
}
