/// Text that may stand in HTML and SVG, as content or within a quoted attribute.
package func escaped(_ text: String) -> String {
    var result = ""
    result.reserveCapacity(text.utf8.count)
    for scalar in text.unicodeScalars {
        switch scalar {
        case "&": result += "&amp;"
        case "<": result += "&lt;"
        case ">": result += "&gt;"
        case "\"": result += "&quot;"
        case "'": result += "&#39;"
        // Control characters may not stand in a document at all.
        case "\u{0}"..<"\t", "\u{B}"..<" ", "\u{7F}": result += "\u{FFFD}"
        default: result.unicodeScalars.append(scalar)
        }
    }
    return result
}

/// A table with a caption that is read out; on a phone each row becomes a card.
package func htmlTable(_ caption: String, _ titles: [String], _ rows: [[String]]) -> String {
    let head = titles.map { "<th scope=\"col\">\(escaped($0))</th>" }.joined()
    let body = rows.map { row in
        "<tr>"
            + row.enumerated().map { column, cell in
                "<td data-title=\"\(escaped(titles[column]))\">\(escaped(cell))</td>"
            }.joined() + "</tr>"
    }
    return """
        <div class="scroll" role="region" aria-label="\(escaped(caption))" tabindex="0"><table class="stack">
        <caption>\(escaped(caption))</caption>
        <thead><tr>\(head)</tr></thead>
        <tbody>\(body.joined(separator: "\n"))</tbody>
        </table></div>
        """
}
