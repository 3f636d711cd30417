internal import Essentials
package import Results
internal import Telemetry

/// A result as one HTML file that needs nothing else: no script, no font, no picture from elsewhere.
package struct ReportPage {
    private let result: RunResult
    private let samples: [String: [SampleRecord]]
    private let topologySVG: String?

    /// The page of a result.
    ///
    /// `samples` holds the raw samples by the file name that the result gives them, for the latency plots.
    /// `topologySVG` is a drawing of ours, put in as it is.
    package static func html(
        _ result: RunResult, samples: [String: [SampleRecord]] = [:], topologySVG: String? = nil
    ) -> String {
        ReportPage(result: result, samples: samples, topologySVG: topologySVG).page
    }

    private var page: String {
        """
        <!DOCTYPE html>
        <html lang="en"><head><meta charset="utf-8">
        <meta name="viewport" content="width=device-width, initial-scale=1">
        <meta name="color-scheme" content="light dark">
        <meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
        <title>Heng \(escaped(result.suite)) on \(escaped(result.environment.machine))</title>
        <style>\(ReportStyle.css)</style></head>
        <body>
        <header>\(header)</header>
        <main>
        \(sections.compactMap { section($0.0, $0.1) }.joined(separator: "\n"))
        </main>
        </body></html>

        """
    }

    private var sections: [(String, String)] {
        [
            ("Figures", figures),
            ("Findings, and what to do", failures),
            ("Latency distributions", grid(result.workloads.compactMap(latencyFigure))),
            ("Training", grid(result.workloads.flatMap { TrainingPlot.figures($0) })),
            ("Against the machine's limits", limits),
            ("Machine", machine),
            ("Checks", checks),
            ("How to repeat this run", repeating),
            ("What these figures do not say", statement),
        ]
    }

    private func section(_ title: String, _ content: String) -> String? {
        content.isEmpty ? nil : "<section><h2>\(escaped(title))</h2>\(content)</section>"
    }

    private func grid(_ figures: [String]) -> String {
        figures.isEmpty ? "" : "<div class=\"grid2\">\(figures.joined(separator: "\n"))</div>"
    }

    // MARK: Head

    private var header: String {
        let state = result.complete ? result.verdict.rawValue : "INCOMPLETE"
        let banner =
            result.complete
            ? ""
            : "<p class=\"banner\"><strong>This run did not end</strong>: "
                + "\(escaped(result.incompleteReason ?? "no reason was recorded")). Its figures are no result.</p>"
        let ended = result.ended.map { " to \(escaped($0))" } ?? ""
        return """
            <p class="soft">Heng benchmark report</p>
            <h1>Suite \(escaped(result.suite)) on \(escaped(result.environment.machine))</h1>
            <p><span class="badge \(state)">\(state)</span><span class="badge">\(escaped(result.tier.label))</span>
            <span class="soft">tier \(result.tier.rawValue), \(result.division.rawValue) division</span></p>
            <p class="soft">\(escaped(result.environment.cpu.model)), \(result.environment.cpu.cores) cores,
            \(escaped(ByteCount(bytes: result.environment.memoryBytes).description)) memory<br>
            \(escaped(result.started))\(ended)</p>
            \(banner)
            """
    }

    // MARK: Figures

    private var figures: String {
        guard !result.workloads.isEmpty else { return "<p>No workload ran to its end.</p>" }
        let rows = result.workloads.map { workload in
            let all = ReportRow.rows(of: workload, figures: workload.metrics.count)
            return all.enumerated().map { index, row in
                var cells = row.cells.map(escaped)
                if !row.verdict.isEmpty {
                    cells[7] = "<strong class=\"\(row.verdict)\">\(row.verdict)</strong>"
                }
                let style = index + 1 < all.count ? "first" : "more"
                let titles = ReportRow.titles.cells
                return "<tr class=\"\(style)\">"
                    + cells.indices.map { "<td data-title=\"\(escaped(titles[$0]))\">\(cells[$0])</td>" }
                    .joined()
                    + "</tr>"
            }.joined(separator: "\n")
        }
        let head = ReportRow.titles.cells.map { "<th scope=\"col\">\(escaped($0))</th>" }.joined()
        return """
            <div class="scroll" role="region" aria-label="Figures" tabindex="0"><table class="figures stack">
            <thead><tr>\(head)</tr></thead><tbody>
            \(rows.joined(separator: "\n"))
            </tbody></table></div>
            \(notes)
            """
    }

    private var notes: String {
        result.groupedNotes.map { note in
            "<p class=\"soft\">\(escaped(listed(note.workloads))): \(escaped(note.text))</p>"
        }.joined()
    }

    private var failures: String {
        let items = Finding.all(in: result).map { finding in
            let style = finding.effect == .invalid ? "INVALID" : "INCONCLUSIVE"
            return """
                <li><strong class="\(style)">\(finding.effect.rawValue)</strong> <code>\(escaped(finding.subject))</code>
                <span class="soft">\(escaped(finding.workloads.joined(separator: "; ")))</span><br>
                \(escaped(finding.detail)).\(finding.remedy.isEmpty ? "" : "<br>" + escaped(finding.remedy))</li>
                """
        }
        return items.isEmpty ? "" : "<ul class=\"findings\">\(items.joined(separator: "\n"))</ul>"
    }

    private func latencyFigure(_ workload: WorkloadResult) -> String? {
        guard let file = workload.samples?.file, let records = samples[file] else { return nil }
        return LatencyPlot.figure(workload, samples: records)
    }

    // MARK: Machine

    private var limits: String {
        var content = RooflinePlot.figure(result).map { "<div class=\"grid2\">\($0)</div>" } ?? ""
        let rows = result.ceilings.flatMap { ceiling in
            ceiling.flops.sorted { $0.key < $1.key }.map {
                [ceiling.place, $0.key, "\(scaled($0.value))FLOP/s", ceiling.source, ceiling.when]
            }
                + ceiling.bandwidth.sorted { $0.key < $1.key }.map {
                    [ceiling.place, $0.key, "\(scaled($0.value))B/s", ceiling.source, ceiling.when]
                }
        }
        if !rows.isEmpty {
            content += htmlTable(
                "Ceilings measured in this run", ["Place", "What", "Ceiling", "Source", "When"], rows)
        }
        return content
    }

    private var machine: String {
        let environment = result.environment
        var facts = [
            ("Machine", environment.machine),
            (
                "Processor",
                "\(environment.cpu.model); \(environment.cpu.packages) package(s), \(environment.cpu.cores) cores, "
                    + "\(environment.cpu.processingUnits) processing units"
            ),
            ("Instruction sets", environment.cpu.features.joined(separator: ", ")),
            ("Memory", ByteCount(bytes: environment.memoryBytes).description),
        ]
        facts += environment.numa.map {
            ("NUMA node \($0.node)", "\(ByteCount(bytes: $0.memoryBytes)), processing units \($0.cpus)")
        }
        facts += [
            ("Accelerators", environment.accelerators.joined(separator: ", ")),
            ("Interconnect", environment.interconnect.joined(separator: ", ")),
            ("System", environment.os), ("Kernel", environment.kernel),
        ]
        facts += environment.libraries.sorted { $0.key < $1.key }.map { ("Library \($0.key)", $0.value) }
        facts += environment.limits.sorted { $0.key < $1.key }.map { (capitalised(words($0.key)), $0.value) }
        facts += noise
        let drawing =
            topologySVG.map {
                "<figure><div class=\"drawing\" role=\"img\" aria-label=\"Topology of the machine\">\(bare($0))</div>"
                    + "<figcaption>Topology as the system reports it</figcaption></figure>"
            } ?? ""
        let warnings = environment.warnings.map { "<p class=\"banner\">\(escaped($0))</p>" }.joined()
        let unavailable =
            environment.unavailable.isEmpty
            ? ""
            : htmlTable(
                "Not available here, and why", ["Field", "Reason"],
                environment.unavailable.map { [$0.field, $0.reason] })
        return drawing + warnings + list(facts.filter { !$0.1.isEmpty }) + unavailable
    }

    private var noise: [(String, String)] {
        guard let noise = result.noise else { return [] }
        return [
            ("Time taken by other guests", noise.steal.map(percent) ?? ""),
            ("Time in which a thread waited for a processor", noise.pressure.map(percent) ?? ""),
            ("Involuntary switches", noise.involuntarySwitches.map { "\($0)" } ?? ""),
        ]
    }

    /// The drawing without what may stand only at the start of a file.
    private func bare(_ svg: String) -> String {
        guard let start = svg.firstRange(of: "<svg") else { return "" }
        return String(svg[start.lowerBound...])
    }

    private func list(_ facts: [(String, String)]) -> String {
        "<dl>" + facts.map { "<dt>\(escaped($0.0))</dt><dd>\(escaped($0.1))</dd>" }.joined(separator: "\n")
            + "</dl>"
    }

    // MARK: Checks

    private var checks: String {
        result.workloads.map { workload in
            let validity = workload.validity
            let failed = validity.failures.count
            let rows =
                validity.checks.map { check in
                    [
                        check.rule, check.pass ? "kept" : "not kept (\(check.effect.rawValue))",
                        check.measured,
                        check.required, check.pass ? "" : check.remedy ?? "",
                    ]
                }
                + workload.uncheckedAudits.map { [$0.id, $0.pass ? "passed" : "failed", $0.detail, "", ""] }
            return """
                <details><summary>\(escaped(workload.name)), \
                \(escaped(words(workload.scenario))): <span class="\(validity.verdict.rawValue)">\
                \(validity.verdict.rawValue)</span>, \(rows.count - failed) of \(rows.count) kept</summary>
                \(htmlTable("Rules and audits", ["Rule", "Kept", "Measured", "Required", "Remedy"], rows))
                </details>
                """
        }.joined(separator: "\n")
    }

    // MARK: Repeating

    private var repeating: String {
        var facts = [
            ("Run", result.runID),
            (
                "Tool",
                [result.tool.version, result.tool.git ?? "", result.tool.buildFlags ?? ""]
                    .filter { !$0.isEmpty }.joined(separator: ", ")
            ),
            ("Rules", "\(result.rules.name) \(result.rules.version), sha256 \(result.rules.sha256)"),
            (
                "Seeds",
                "data \(result.seeds.data), order \(result.seeds.order), schedule \(result.seeds.schedule), "
                    + "challenge \(result.seeds.challenge)"
            ),
        ]
        for workload in result.workloads {
            let params = workload.params.sorted { $0.key < $1.key }.map { "\($0.key) = \(text($0.value))" }
            facts.append(
                (title(of: workload), (["version \(workload.version)"] + params).joined(separator: "; ")))
            if let samples = workload.samples {
                facts.append(("Raw samples", "\(samples.file), sha256 \(samples.sha256)"))
            }
        }
        // One network serves several scenarios; its hash is said once.
        for workload in result.workloads {
            for (kind, hash) in [("Model", workload.modelSHA256), ("Data", workload.dataSHA256)] {
                let fact = ("\(kind) of \(workload.name)", "sha256 \(hash ?? "")")
                if hash != nil, !facts.contains(where: { $0 == fact }) { facts.append(fact) }
            }
        }
        return list(facts)
    }

    private func text(_ parameter: Parameter) -> String {
        switch parameter {
        case .flag(let value): "\(value)"
        case .whole(let value): "\(value)"
        case .number(let value): "\(value)"
        case .text(let value): value
        }
    }

    // MARK: Limits

    private var statement: String {
        var lines = [tierStatement]
        lines += [
            "Percentile bounds assume that queries are independent. On a machine whose speed comes in regimes "
                + "they are necessary, not sufficient.",
            "Ceilings are what this machine reached in this run, not what its maker promises; a roofline counts "
                + "the bytes that must move, not those that did.",
            "The run was made and judged by one program on one machine. Nobody else has witnessed it, and it is "
                + "no result of MLPerf or of any standards body.",
        ]
        if let steal = result.noise?.steal, steal > 0.01 {
            lines.append("Other guests took \(percent(steal)) of the processors' time while it ran.")
        }
        let fields = result.environment.unavailable.map(\.field)
        if !fields.isEmpty { lines.append("Not known on this machine: \(fields.joined(separator: ", ")).") }
        return lines.map { "<p>\(escaped($0))</p>" }.joined()
    }

    private var tierStatement: String {
        switch result.tier {
        case .smoke: "The smoke tier only shows that everything runs. Its figures mean nothing."
        case .quick:
            "The quick tier gives estimates: short runs, one repetition, few samples for quality. Decide nothing "
                + "important by them; the full tier measures."
        case .full: "The full tier gives results for this machine as it was during the run."
        case .conformance: "The conformance tier follows the rules named below in full."
        }
    }
}

private func capitalised(_ text: String) -> String { text.prefix(1).uppercased() + text.dropFirst() }
