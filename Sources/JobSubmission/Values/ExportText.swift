package import Essentials

/// `--export`: which variables of the submitter's environment a job gets.
package struct ExportText: Hashable, Sendable {
    /// Everything else comes on top of nothing, of the usual few, or of all.
    package enum Base: Hashable, Sendable { case usual, all }

    package var base: Base
    /// Variables to take over from the submitter.
    package var names: [String]
    /// Variables to set.
    package var values: [String: String]

    /// What a program can hardly do without.
    static let usual = ["HOME", "LANG", "LC_ALL", "LOGNAME", "PATH", "SHELL", "TMPDIR", "TZ", "USER"]

    package static let all = ExportText(base: .all, names: [], values: [:])

    private init(base: Base, names: [String], values: [String: String]) {
        self.base = base
        self.names = names
        self.values = values
    }

    /// Reads `ALL`, `NONE`, `ALL,A=1` and `A,B=2`.
    package init(_ text: String, option: String = "--export") throws(Failure) {
        self.init(base: .usual, names: [], values: [:])
        let parts = text.split(separator: ",", omittingEmptySubsequences: false)
        if parts == ["NONE"] { return }
        for part in parts {
            if part == "ALL" {
                base = .all
                continue
            }
            let pair = part.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            guard let name = pair.first, ExportText.isName(name), part != "NONE" else {
                throw mistake(
                    "\(option) \(shown(text)) has '\(shown(part))', which is no variable.",
                    "Write it like \(option) ALL, NONE, or PATH,SEED=7.")
            }
            if pair.count == 2 { values[String(name)] = String(pair[1]) } else { names.append(String(name)) }
        }
    }

    /// The job's environment from the submitter's.
    package func environment(from own: [String: String]) -> [String: String] {
        var result =
            base == .all ? own : own.filter { ExportText.usual.contains($0.key) || names.contains($0.key) }
        for (name, value) in values { result[name] = value }
        return result
    }

    private static func isName(_ text: Substring) -> Bool {
        guard let first = text.utf8.first, !(48...57).contains(first) else { return false }
        return text.utf8.allSatisfy {
            (48...57).contains($0) || (65...90).contains($0) || (97...122).contains($0) || $0 == 95
        }
    }
}
