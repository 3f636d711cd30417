internal import DeviceConformance
internal import Essentials
internal import Results

/// A run as one HTML file that needs nothing else.
package struct ConformancePage {
    private let result: ConformanceResult

    package static func html(_ result: ConformanceResult) -> String { ConformancePage(result: result).page }

    private var page: String {
        """
        <!DOCTYPE html>
        <html lang="en"><head><meta charset="utf-8">
        <meta name="viewport" content="width=device-width, initial-scale=1">
        <meta name="color-scheme" content="light dark">
        <meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
        <title>Heng on the public cases of ONNX</title>
        <style>\(ReportStyle.css)</style></head>
        <body>
        <header>\(header)</header>
        <main>
        <section><h2>Groups</h2>\(groups)</section>
        <section><h2>What did not pass</h2>\(failures)</section>
        <section><h2>All cases</h2>\(details)</section>
        </main>
        </body></html>

        """
    }

    private var header: String {
        let (word, look) = result.isConforming ? ("CONFORMING", "VALID") : ("NOT CONFORMING", "INVALID")
        let total = result.results.count
        let passed = result.results.count { $0.outcome == .pass }
        return """
            <p class="soft">heng conform onnx</p>
            <h1>\(passed) of \(total) cases pass</h1>
            <p><span class="badge \(look)">\(word)</span></p>
            <dl><dt>Cases</dt><dd>\(escaped(result.cases))</dd>
            <dt>Tolerance</dt><dd>\(result.tolerance.rawValue)</dd>
            <dt>Begun</dt><dd>\(escaped(result.started))</dd>
            <dt>Taken</dt><dd>\(result.seconds.formatted(digits: 1)) s</dd>
            <dt>Version</dt><dd>heng \(escaped(result.version))</dd></dl>
            """
    }

    private var groups: String {
        let titles = ConformanceResult.countColumns.map { $0.prefix(1) + $0.dropFirst().lowercased() }
        return htmlTable(
            "How many cases ended how; strict and standard count those that each tolerance accepts.",
            titles.map { String($0) }, result.countRows)
    }

    private var failures: String {
        let failures = result.failures
        guard !failures.isEmpty else {
            return
                "<p>\(result.results.isEmpty ? "No case was run." : "Every case passed or is excluded.")</p>"
        }
        let items = failures.map { failure in
            """
            <li><strong>\(escaped(failure.name))</strong> <span class="soft">\(failure.mode.rawValue), \
            \(failure.outcome.word.rawValue)</span><p>\(escaped(failure.outcome.reason ?? ""))</p>
            <p><code>\(escaped(failure.command))</code></p></li>
            """
        }
        return "<ul class=\"findings\">\(items.joined(separator: "\n"))</ul>"
    }

    private var details: String {
        result.counts.map { counts in
            let own = result.results.filter { $0.mode == counts.mode && $0.group == counts.group }
            let title = "\(counts.group.rawValue), \(counts.mode.rawValue): \(own.count) cases"
            let table = htmlTable(
                "The worst distance in floats of the type, and the squared error over the expected squares.",
                ["Case", "Outcome", "Milliseconds", "Worst ULP", "NMSE", "Excluded because"], own.map(row))
            return "<details><summary>\(escaped(title))</summary>\(table)</details>"
        }.joined(separator: "\n")
    }

    private func row(_ result: CaseResult) -> [String] {
        let report = result.report
        return [
            result.name, result.outcome.word.rawValue, (report.seconds * 1000).formatted(significant: 3),
            report.worstSteps.map { "\($0)" } ?? "", report.worstError.map { Self.scientific($0) } ?? "",
            result.outcome.word == .excluded ? result.outcome.reason ?? "" : "",
        ]
    }

    /// `3.2e-12`: such ratios have no other readable form.
    private static func scientific(_ value: Double) -> String {
        guard value > 0, value.isFinite else { return "0" }
        var (digits, exponent) = (value, 0)
        while digits < 1 { (digits, exponent) = (digits * 10, exponent - 1) }
        while digits >= 10 { (digits, exponent) = (digits / 10, exponent + 1) }
        return "\(digits.formatted(digits: 1))e\(exponent)"
    }
}
