internal import ControlAPI
internal import Essentials
internal import Scheduling

/// Names of output files with the letters that sbatch has: `%j %A %a %x %u %N %t %%`.
///
/// A number before the letter pads a number with zeros, as in `%4t`.
package struct OutputPattern: Hashable, Sendable {
    package var text: String

    package init(_ text: String) { self.text = text }

    /// Where the output goes when nobody says.
    package static func usual(isArray: Bool) -> OutputPattern {
        OutputPattern(isArray ? "heng-%A_%a.out" : "heng-%j.out")
    }

    /// What the letters stand for.
    package struct Values: Hashable, Sendable {
        package var job: Int
        package var arrayJob: Int?
        package var arrayIndex: Int?
        package var name: String
        package var user: String
        package var machine: String
        package var rank: Int

        package init(
            job: Int, arrayJob: Int? = nil, arrayIndex: Int? = nil, name: String, user: String,
            machine: String, rank: Int
        ) {
            self.job = job
            self.arrayJob = arrayJob
            self.arrayIndex = arrayIndex
            self.name = name
            self.user = user
            self.machine = machine
            self.rank = rank
        }
    }

    /// Whether each rank has a file of its own.
    package var namesRank: Bool {
        var found = false
        expand { letter, _ in
            found = found || letter == "t"
            return ""
        }
        return found
    }

    /// The path, absolute or relative as the pattern is.
    package func path(_ values: Values) -> String {
        expand { letter, width in
            switch letter {
            case "j": padded(values.job, width)
            case "A": padded(values.arrayJob ?? values.job, width)
            case "a": padded(values.arrayIndex ?? 0, width)
            case "t": padded(values.rank, width)
            case "x": Self.fileName(values.name)
            case "u": Self.fileName(values.user)
            case "N": Self.fileName(String(values.machine.prefix { $0 != "." }))
            case "%": "%"
            default: nil
            }
        }
    }

    /// A name that comes from outside can neither leave the folder nor break a line.
    private static func fileName(_ name: String) -> String {
        let safe = String(
            name.map {
                $0 == "/" || $0.unicodeScalars.contains { $0.value < 32 || $0.value == 127 } ? "_" : $0
            })
        return safe == "." || safe == ".." ? "_" : safe
    }

    /// Replaces each letter; one that means nothing stays as it stands.
    @discardableResult
    private func expand(_ value: (Character, Int) -> String?) -> String {
        var result = ""
        var rest = text[...]
        while let percent = rest.firstIndex(of: "%") {
            result += rest[..<percent]
            let digits = rest[rest.index(after: percent)...].prefix { $0.isASCII && $0.isNumber }
            let width = min(Int(digits) ?? 0, 10)
            guard digits.endIndex < rest.endIndex else {
                result += rest[percent...]
                return result
            }
            let end = rest.index(after: digits.endIndex)
            result += value(rest[digits.endIndex], width) ?? String(rest[percent..<end])
            rest = rest[end...]
        }
        return result + rest
    }
}

private func padded(_ number: Int, _ width: Int) -> String {
    let text = String(number)
    return String(repeating: "0", count: max(0, width - text.count)) + text
}
