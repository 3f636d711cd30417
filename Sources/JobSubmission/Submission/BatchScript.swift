package import Essentials

/// The text of a batch script, and the options in its `#HENG` and `#SBATCH` lines.
package struct BatchScript: Sendable {
    package var name: String
    package var text: String
    package var directives: [Directive]

    package struct Directive: Hashable, Sendable {
        package var line: Int
        package var dialect: SubmissionOption.Dialect
        package var words: [String]
    }

    /// More is not a script but data.
    package static let mostBytes = 4 << 20

    /// Reads a script: its first line says what runs it, and options stand before the first command.
    package init(_ bytes: [UInt8], name: String) throws(Failure) {
        guard bytes.count <= BatchScript.mostBytes else {
            throw mistake(
                "\(name) is longer than \(ByteCount(bytes: BatchScript.mostBytes)), which no script is.",
                "Keep data in files of its own, and let the script read them.")
        }
        guard !bytes.isEmpty else {
            throw mistake("\(name) is empty.", "Write #!/bin/sh into its first line and the commands below.")
        }
        guard bytes.starts(with: [35, 33]), !bytes.contains(0) else {
            throw mistake(
                "\(name) is no script: it does not begin with #! and a program.",
                "Write #!/bin/sh into its first line, or put a program after --, as in `heng submit -- \(name)`."
            )
        }
        // Read strictly: a repaired text would not be what was written.
        guard let text = String(validating: bytes, as: UTF8.self) else {
            throw mistake("\(name) is no text in UTF-8.", "Save it as UTF-8.")
        }
        self.name = name
        self.text = text
        directives = try BatchScript.directives(in: bytes, name)
    }

    /// `/bin/sh` and its argument, from the first line.
    package var interpreter: [String] {
        let isBlank = { (character: Character) in character == " " || character == "\t" }
        let line = text.dropFirst(2).prefix { !$0.isNewline }.drop(while: isBlank)
        let program = line.prefix { !isBlank($0) }
        let argument = String(
            line.dropFirst(program.count).drop(while: isBlank).reversed().drop(while: isBlank).reversed())
        return argument.isEmpty ? [String(program)] : [String(program), argument]
    }

    private static func directives(in bytes: [UInt8], _ name: String) throws(Failure) -> [Directive] {
        var found: [Directive] = []
        let lines = bytes.split(separator: 10, omittingEmptySubsequences: false)
        for (index, bytes) in lines.enumerated() {
            let line = String(decoding: bytes, as: UTF8.self)
            if bytes.last == 13 {
                throw mistake(
                    "\(name):\(index + 1): the line ends as on DOS, which no shell reads.",
                    "Convert the file, for example with `sed -i 's/\\r$//' \(name)`.")
            }
            let trimmed = line.drop { $0 == " " || $0 == "\t" }
            if trimmed.isEmpty { continue }
            guard trimmed.hasPrefix("#") else { break }
            for (prefix, dialect) in [("#HENG", SubmissionOption.Dialect.heng), ("#SBATCH", .slurm)] {
                let rest = line.dropFirst(prefix.count)
                guard line.hasPrefix(prefix), rest.isEmpty || rest.first == " " || rest.first == "\t" else {
                    continue
                }
                found.append(
                    Directive(
                        line: index + 1, dialect: dialect, words: try words(rest, "\(name):\(index + 1)")))
            }
        }
        return found
    }

    /// Words as a shell splits them: spaces, quotes, backslashes, and a comment behind ` #`.
    static func words(_ text: Substring, _ place: String) throws(Failure) -> [String] {
        var words: [String] = []
        var word: String?
        var quote: Character?
        var rest = text
        while let character = rest.popFirst() {
            if let open = quote {
                if character == open {
                    quote = nil
                } else if character == "\\", open == "\"", let next = rest.first, "\"\\$`".contains(next) {
                    word = (word ?? "") + String(next)
                    rest.removeFirst()
                } else {
                    word = (word ?? "") + String(character)
                }
                continue
            }
            switch character {
            case " ", "\t":
                if let done = word { words.append(done) }
                word = nil
            case "\"", "'":
                quote = character
                word = word ?? ""
            case "\\":
                if let next = rest.popFirst() { word = (word ?? "") + String(next) }
            case "#" where word == nil: rest = rest[rest.endIndex...]
            default: word = (word ?? "") + String(character)
            }
        }
        guard quote == nil else {
            throw mistake(
                "\(place): a quotation mark is open at the end of the line.", "Close it on the same line.")
        }
        if let done = word { words.append(done) }
        return words
    }
}

extension SubmissionDraft {
    /// Takes the options of a script over, each error with the place where it stands.
    package mutating func take(_ script: BatchScript, moments: MomentText) throws(Failure) {
        for directive in script.directives {
            do {
                let ignoredBefore = ignored.count
                try take(directive.words, directive.dialect, moments)
                for index in ignoredBefore..<ignored.count {
                    ignored[index] = "\(script.name):\(directive.line): \(ignored[index])"
                }
            } catch {
                throw Failure(
                    "\(script.name):\(directive.line): \(error.summary)", nextStep: error.nextStep,
                    exitCode: error.exitCode)
            }
        }
    }

    /// Options as a command line has them: `--name value`, `--name=value`, `-n4`, `-n 4`.
    private mutating func take(
        _ words: [String], _ dialect: SubmissionOption.Dialect, _ moments: MomentText
    ) throws(Failure) {
        var rest = words[...]
        while let word = rest.popFirst() {
            guard word.hasPrefix("-"), word.count > 1 else {
                throw mistake(
                    "'\(shown(word))' is no option.",
                    "Options begin with a dash; commands stand on lines of their own.")
            }
            let (name, attached) = SubmissionDraft.split(word)
            let form = try SubmissionDraft.form(of: name, dialect)
            switch form {
            case .flag:
                guard attached == nil else {
                    throw mistake("\(name) takes no value.", "Leave the value out.")
                }
                try set(name, to: "", dialect, moments: moments)
            case .optionalValue: try set(name, to: attached ?? "", dialect, moments: moments)
            case .value:
                guard let value = attached ?? rest.popFirst() else {
                    throw mistake("\(name) has no value.", "Write it like \(name) VALUE.")
                }
                try set(name, to: value, dialect, moments: moments)
            }
        }
    }

    private static func form(
        of name: String, _ dialect: SubmissionOption.Dialect
    ) throws(Failure) -> SubmissionOption.Form {
        if let option = SubmissionOptions.find(name, dialect) { return option.form }
        if dialect == .slurm, SubmissionOptions.ignoredBySlurmName[name] != nil {
            return SubmissionOptions.ignoredFlags.contains(name) ? .optionalValue : .value
        }
        throw mistake("there is no option \(shown(name)).", "See `heng submit --help` for those there are.")
    }

    private static func split(_ word: String) -> (name: String, value: String?) {
        if word.hasPrefix("--") {
            let sides = word.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            return (String(sides[0]), sides.count == 2 ? String(sides[1]) : nil)
        }
        let name = String(word.prefix(2))
        guard word.count > 2 else { return (name, nil) }
        let value = word.dropFirst(2)
        return (name, String(value.first == "=" ? value.dropFirst() : value))
    }
}
