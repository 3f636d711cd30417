internal import Essentials
internal import Results

/// A run of the kit as one HTML file that needs nothing else.
package struct KitPage {
    private let result: KitResult
    private let comparison: KitComparison?

    package static func html(_ result: KitResult, comparison: KitComparison? = nil) -> String {
        KitPage(result: result, comparison: comparison).page
    }

    private var page: String {
        """
        <!DOCTYPE html>
        <html lang="en"><head><meta charset="utf-8">
        <meta name="viewport" content="width=device-width, initial-scale=1">
        <meta name="color-scheme" content="light dark">
        <meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
        <title>Conformance of \(escaped(result.device.name))</title>
        <style>\(ReportStyle.css)\(Self.css)</style></head>
        <body>
        <header>\(header)</header>
        <main>
        <section><h2>Levels</h2>\(levels)</section>
        \(section("What speaks against it", failures))
        \(section("What changed", changes))
        \(section("Operators and element types", matrix))
        \(section("Performance", performance))
        \(section("Exclusions", exclusions))
        \(section("Outside the profile", outside))
        <section><h2>All cases</h2>\(details)</section>
        <section><h2>What was run</h2>\(provenance)</section>
        </main>
        </body></html>

        """
    }

    private static let css = """
        table.matrix{width:auto}table.matrix th.type{writing-mode:vertical-rl;padding:.3rem .1rem}
        table.matrix td{text-align:center;padding:.15rem .3rem;min-width:1.6rem}
        table.matrix td.pass{color:var(--good)}table.matrix td.fail{color:var(--bad);font-weight:700}
        table.matrix td.partial{color:var(--open)}table.matrix td.none{color:var(--soft)}
        table.matrix tbody th{position:sticky;left:0;background:var(--paper);padding-right:.8rem}
        """

    private func section(_ title: String, _ body: String) -> String {
        body.isEmpty ? "" : "<section><h2>\(title)</h2>\(body)</section>"
    }

    private var header: String {
        let (word, look) = result.isConforming ? ("CONFORMING", "VALID") : ("NOT CONFORMING", "INVALID")
        let executed = result.results.count { $0.verdict.isExecuted }
        let passed = result.results.count { $0.verdict == .pass }
        let simulated = result.device.isSimulated ? " (simulated)" : ""
        return """
            <p class="soft">heng conform, \(escaped(result.device.id))</p>
            <h1>\(escaped(result.device.name))\(simulated): \(passed) of \(executed) executed cases pass</h1>
            <p><span class="badge \(look)">\(word)</span>\
            \(result.isVerified ? "<span class=\"badge\">VERIFIED</span>" : "")</p>
            \(banner)
            <dl><dt>Vendor</dt><dd>\(escaped(result.device.vendor))</dd>
            <dt>Backend</dt><dd>\(escaped(result.device.backend)) \(escaped(result.device.backendVersion ?? ""))</dd>
            <dt>Profile</dt><dd>\(escaped(result.profile.name))</dd>
            <dt>Begun</dt><dd>\(escaped(result.started))</dd>
            <dt>Taken</dt><dd>\(result.seconds.formatted(digits: 1)) s</dd></dl>
            """
    }

    private var banner: String {
        var sentences = result.emptyLevels.map {
            "Nothing was executed in \($0.rawValue) (\($0.title)), which is a failure."
        }
        if !result.unexpectedPasses.isEmpty {
            sentences.append("\(result.unexpectedPasses.count) excluded cases pass unexpectedly.")
        }
        return sentences.isEmpty ? "" : "<p class=\"banner\">\(sentences.joined(separator: " "))</p>"
    }

    private var levels: String {
        htmlTable(
            "How many cases of each level ended how.",
            KitResult.headlineColumns.map { $0.prefix(1) + $0.dropFirst().lowercased() }, result.headline)
    }

    private var failures: String {
        let failures = result.failures
        guard !failures.isEmpty else { return "<p>Nothing.</p>" }
        let items = failures.map { failure in
            """
            <li><strong>\(escaped(failure.name))</strong> <span class="soft">\(failure.verdict.rawValue)\
            \(clauses(failure))</span><p>\(escaped(failure.title))</p><p>\(escaped(failure.reason ?? ""))</p>
            <p><code>\(escaped(failure.command))</code></p></li>
            """
        }
        return "<ul class=\"findings\">\(items.joined(separator: "\n"))</ul>"
    }

    private func clauses(_ result: KitCaseResult) -> String {
        result.clauses.isEmpty ? "" : ", " + result.clauses.map(Requirement.name).joined(separator: ", ")
    }

    private var changes: String {
        guard let comparison else { return "" }
        let warnings = comparison.warnings.map { "<p class=\"banner\">\(escaped($0))</p>" }.joined()
        let lists = comparison.lists.map { list in
            "<h3>\(list.title): \(list.names.count)</h3><p>"
                + list.names.prefix(200).map { "<code>\(escaped($0))</code>" }.joined(separator: " ") + "</p>"
        }
        return warnings + (lists.isEmpty ? "<p>No case differs from the earlier report.</p>" : lists.joined())
    }

    private var matrix: String {
        let matrix = OperatorMatrix(result.results)
        guard !matrix.operators.isEmpty else { return "" }
        let head = matrix.types.map { "<th scope=\"col\" class=\"type\">\($0)</th>" }.joined()
        let rows = matrix.operators.map { name in
            "<tr><th scope=\"row\">\(escaped(name))</th>"
                + matrix.types.map { cell(matrix[name, $0]) }.joined() + "</tr>"
        }
        let caption =
            "✓ all cases pass, ◐ some pass or are outside the profile, ✗ none passes, – nothing was executed."
        return """
            <div class="scroll" role="region" aria-label="Operators by element type" tabindex="0"><table class="matrix">
            <caption>\(caption)</caption><thead><tr><th scope="col">Operator</th>\(head)</tr></thead>
            <tbody>\(rows.joined(separator: "\n"))</tbody></table></div>
            """
    }

    private func cell(_ cell: OperatorMatrix.Cell?) -> String {
        switch cell {
        case nil: "<td></td>"
        case .pass: "<td class=\"pass\">✓</td>"
        case .partial: "<td class=\"partial\">◐</td>"
        case .fail: "<td class=\"fail\">✗</td>"
        case Optional.some(.none): "<td class=\"none\">–</td>"
        }
    }

    private var performance: String {
        let rows = result.results.flatMap { result in
            (result.measurements ?? []).map { rate in
                [
                    rate.name, "\(rate.value.formatted(significant: 3)) \(rate.unit)",
                    rate.low.flatMap { low in
                        rate.high.map {
                            "\(low.formatted(significant: 3)) to \($0.formatted(significant: 3))"
                        }
                    } ?? "", result.name,
                ]
            }
        }
        guard !rows.isEmpty else { return "" }
        return htmlTable(
            "Medians, and the middle half of the samples. These numbers are told, and only budgets of the profile judge them.",
            ["What", "Median", "Middle half", "Case"], rows)
    }

    private var exclusions: String {
        let excluded = result.results.filter { $0.exclusion != nil || $0.verdict == .excluded }
        guard !excluded.isEmpty else { return "" }
        return htmlTable(
            "What the device is not held to.", ["Case", "Why", "Kind", "Link"],
            excluded.map {
                [$0.name, $0.reason ?? "", $0.exclusion?.kind.rawValue ?? "suite", $0.exclusion?.link ?? ""]
            })
    }

    private var outside: String {
        let own = result.results.filter { $0.verdict == .unsupportedOutsideProfile }
        guard !own.isEmpty else { return "" }
        let reasons = Dictionary(grouping: own) { $0.reason ?? "" }.sorted {
            ($1.value.count, $0.key) < ($0.value.count, $1.key)
        }
        let table = htmlTable(
            "Reasons, the most frequent first.", ["Reason", "Cases", "Such as"],
            reasons.prefix(100).map { [$0.key, "\($0.value.count)", $0.value.first?.name ?? ""] })
        return "<details><summary>\(own.count) cases</summary>\(table)</details>"
    }

    private var details: String {
        result.levels.map { level in
            let own = result.results.filter { $0.level == level }
            let table = htmlTable(
                "Errors are the largest against what was expected.",
                ["Case", "Verdict", "Milliseconds", "Absolute", "Relative", "ULP", "Seed"], own.map(row))
            return
                "<details><summary>\(level.rawValue) \(level.title): \(own.count) cases</summary>\(table)</details>"
        }.joined(separator: "\n")
    }

    private func row(_ result: KitCaseResult) -> [String] {
        [
            result.name, result.verdict.rawValue, (result.seconds * 1000).formatted(significant: 3),
            result.worst?.absolute.map(scientific) ?? "", result.worst?.relative.map(scientific) ?? "",
            result.worst?.ulp.map { "\($0)" } ?? "", result.seed.map { "\($0)" } ?? "",
        ]
    }

    private var provenance: String {
        let facts =
            [
                ("Suite", result.hashes.suite), ("Profile", result.hashes.profile),
                ("Plugin", result.hashes.plugin), ("Host", result.hashes.host),
                ("Version", "heng \(result.version)"),
                ("Claims", result.device.claims.joined(separator: ", ")),
                ("Groups", result.device.groups.joined(separator: ", ")),
            ] + result.environment.sorted { $0.key < $1.key }.map { ($0.key, $0.value) }
        return "<dl>"
            + facts.map { "<dt>\(escaped($0.0))</dt><dd>\(escaped($0.1))</dd>" }.joined(separator: "\n")
            + "</dl>"
    }
}

/// `3.2e-12`: such numbers have no other readable form.
private func scientific(_ value: Double) -> String {
    guard value > 0, value.isFinite else { return value == 0 ? "0" : "\(value)" }
    var (digits, exponent) = (value, 0)
    while digits < 1 { (digits, exponent) = (digits * 10, exponent - 1) }
    while digits >= 10 { (digits, exponent) = (digits / 10, exponent + 1) }
    return "\(digits.formatted(digits: 1))e\(exponent)"
}
