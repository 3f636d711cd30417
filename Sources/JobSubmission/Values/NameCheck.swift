package import Essentials

/// Names of jobs, queues, accounts, virtual devices and workloads.
package enum NameCheck {
    static let longest = 200

    /// The name itself, when it may be one.
    ///
    /// Names stand in tables, in the names of files and in paths of the interface, so line ends, slashes and the two
    /// folders `.` and `..` are none.
    package static func name(_ text: String, option: String) throws(Failure) -> String {
        let step = "Use letters, digits, dots, dashes and underscores."
        if text.isEmpty { throw mistake("\(option) has an empty name.", step) }
        if text == "." || text == ".." {
            throw mistake("\(option) '\(text)' is the name of a folder and of nothing else.", step)
        }
        if let bad = text.unicodeScalars.first(where: isControl) {
            throw mistake(
                "\(option) '\(shown(text))' contains \(bad == "\n" ? "a line end" : "a character that cannot be printed").",
                step)
        }
        if text.contains("/") { throw mistake("\(option) '\(shown(text))' contains a slash.", step) }
        if text.utf8.count > longest {
            throw mistake(
                "\(option) '\(shown(text))' is longer than \(longest) bytes.", "Use a shorter name.")
        }
        return text
    }

    /// Any words; nothing looks at them.
    package static func comment(_ text: String, option: String) throws(Failure) -> String {
        if text.unicodeScalars.contains(where: isControl) {
            throw mistake(
                "\(option) '\(shown(text))' contains a character that cannot be printed.",
                "Use words that fit on one line.")
        }
        if text.utf8.count > 1000 {
            throw mistake("\(option) '\(shown(text))' is longer than 1000 bytes.", "Use fewer words.")
        }
        return text
    }

    /// A path: anything that a file may be called, on one line.
    package static func path(_ text: String, option: String) throws(Failure) -> String {
        if text.isEmpty { throw mistake("\(option) has an empty path.", "Name a file or a folder.") }
        if text.unicodeScalars.contains(where: isControl) {
            throw mistake(
                "\(option) '\(shown(text))' contains a character that cannot be printed.",
                "Use a path that fits on one line.")
        }
        if text.utf8.count > 4000 {
            throw mistake("\(option) '\(shown(text))' is longer than 4000 bytes.", "Use a shorter path.")
        }
        return text
    }

    /// The path of an output file, whose patterns must all be known.
    package static func pattern(_ text: String, option: String) throws(Failure) -> String {
        let text = try path(text, option: option)
        var rest = Substring(text)
        while let percent = rest.firstIndex(of: "%") {
            let letter = rest[rest.index(after: percent)...].first
            guard let letter, "jAaxuNt%".contains(letter) else {
                throw mistake(
                    "\(option) \(shown(text)) has the pattern %\(letter.map(String.init) ?? ""), which is unknown.",
                    "There are %j job, %A array, %a task, %x name, %u user, %N machine, %t rank and %% for the sign."
                )
            }
            rest = rest[percent...].dropFirst(2)
        }
        return text
    }

    /// Whether the name of an output file depends on the job.
    package static func hasPattern(_ text: String) -> Bool { text.contains("%") }
}
