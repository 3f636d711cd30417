internal import Essentials
package import Results

/// A result as a table: for the terminal, for a pull request, for a spreadsheet.
package enum ResultTable {
    /// The table for a terminal of the given width, with the reasons of every failed check under it.
    package static func text(_ result: RunResult, width: Int = 120) -> String {
        var lines = [
            "Suite \(result.suite), tier \(result.tier.rawValue) (\(result.tier.label)), run \(result.runID)",
            "",
        ]
        lines += table(result.workloads.flatMap { ReportRow.rows(of: $0) }, width: width)
        let why = Finding.all(in: result).flatMap { wrapped(text($0), width: width) }
        if !why.isEmpty { lines += [""] + why }
        let notes = result.groupedNotes.flatMap {
            wrapped("NOTE (\(listed($0.workloads))): \($0.text)", width: width)
        }
        if !notes.isEmpty { lines += [""] + notes }
        lines += ["", result.headline]
        return lines.joined(separator: "\n") + "\n"
    }

    /// The same as a Markdown table.
    package static func markdown(_ result: RunResult) -> String {
        func line(_ cells: [String]) -> String {
            "| "
                + cells.map { String($0.map { $0 == "|" || $0.isNewline ? "/" : $0 }) }.joined(
                    separator: " | ") + " |"
        }
        let rows = result.workloads.flatMap { ReportRow.rows(of: $0) }
        let rule = ReportRow.titles.cells.map { _ in "---" }
        return ([line(ReportRow.titles.cells), line(rule)] + rows.map { line($0.cells) })
            .joined(separator: "\n") + "\n\n\(result.headline) (\(result.tier.label))\n"
    }

    /// Every figure with its numbers as they are, one line each.
    package static func csv(_ result: RunResult) -> String {
        var lines = [
            "workload,scenario,metric,unit,value,low,high,confidence,n,fraction_of_ceiling,quality,verdict"
        ]
        for workload in result.workloads {
            for (index, metric) in workload.metrics.enumerated() {
                func text(_ value: Double?) -> String { value.map { "\($0)" } ?? "" }
                lines.append(
                    [
                        workload.name, workload.scenario, metric.name, metric.unit, text(metric.value),
                        text(metric.low), text(metric.high), text(metric.confidence), "\(metric.n)",
                        index == 0 ? text(workload.fractionOfCeiling) : "",
                        index == 0 ? text(workload.quality?.value) : "", workload.validity.verdict.rawValue,
                    ].map(quoted).joined(separator: ","))
            }
        }
        return lines.joined(separator: "\r\n") + "\r\n"
    }

    private static func quoted(_ field: String) -> String {
        guard field.contains(where: { $0 == "," || $0 == "\"" || $0.isNewline }) else { return field }
        return "\"" + field.replacing("\"", with: "\"\"") + "\""
    }

    // MARK: Text

    private static func table(_ rows: [ReportRow], width: Int) -> [String] {
        let cells = ([ReportRow.titles] + rows).map(\.cells)
        let widths = fitted(
            cells[0].indices.map { column in cells.map { $0[column].count }.max() ?? 0 }, to: width)
        let lines = cells.map { line($0, widths) }
        let rule = widths.map { String(repeating: "-", count: $0) }.joined(separator: "  ")
        return [lines[0], rule] + lines.dropFirst()
    }

    /// Columns of numbers (value, interval, ceiling) stand on their right edge.
    private static let rightAligned: Set<Int> = [3, 4, 5]
    /// These columns may lose their ends in a narrow terminal; numbers and verdicts may not.
    private static let shrinkable = [0, 2, 6, 1]
    private static let narrowest = 8

    private static func line(_ cells: [String], _ widths: [Int]) -> String {
        let texts = cells.indices.map { column in
            let cell = shortened(cells[column], to: widths[column])
            return rightAligned.contains(column)
                ? cell.leftPadded(to: widths[column]) : cell.padded(to: widths[column])
        }
        let line = texts.joined(separator: "  ")
        return String(line.reversed().drop { $0 == " " }.reversed())
    }

    private static func fitted(_ widths: [Int], to width: Int) -> [Int] {
        var widths = widths
        while widths.reduce(2 * (widths.count - 1), +) > width,
            let widest = shrinkable.max(by: { widths[$0] < widths[$1] }), widths[widest] > narrowest
        {
            widths[widest] -= 1
        }
        return widths
    }

    private static func shortened(_ text: String, to width: Int) -> String {
        text.count <= width ? text : text.prefix(max(0, width - 1)) + "…"
    }

    private static func text(_ finding: Finding) -> String {
        "\(finding.effect.rawValue.uppercased()) \(finding.subject) (\(listed(finding.workloads))): "
            + "\(finding.detail). \(finding.remedy)"
    }

    /// The text in lines of at most `width`, the later ones indented.
    private static func wrapped(_ text: String, width: Int) -> [String] {
        var lines = ["*"]
        for word in text.split(separator: " ") {
            if lines[lines.count - 1].count + 1 + word.count > width { lines.append(" ") }
            lines[lines.count - 1] += " \(word)"
        }
        return lines
    }
}
