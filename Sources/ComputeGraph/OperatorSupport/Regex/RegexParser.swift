/// Reads a pattern of RE2's syntax (https://github.com/google/re2/wiki/Syntax) into a tree.
///
/// Groups capture nothing, and greed makes no difference, since only a match of the whole text is asked for. What RE2
/// has and this lacks is refused by name: single bytes, and scripts of Unicode.
struct RegexParser {
    private let scalars: [Unicode.Scalar]
    private var place = 0
    private var flags = Flags()
    private var depth = 0

    private struct Flags {
        var ignoresCase = false
        var dotTakesLineBreaks = false
        var anchorsAtLines = false
    }

    /// As in RE2, so that a pattern cannot ask for a stack or a memory without end.
    private static let deepest = 200
    private static let mostRepetitions = 1000

    static func tree(of pattern: String) throws(RegexFault) -> RegexTree {
        var parser = RegexParser(scalars: Array(pattern.unicodeScalars))
        let tree = try parser.choice()
        guard parser.next == nil else { throw RegexFault(reason: "has a ) without its (") }
        return tree
    }

    private init(scalars: [Unicode.Scalar]) { self.scalars = scalars }

    private var next: Unicode.Scalar? { place < scalars.count ? scalars[place] : nil }

    /// Goes past the text if it comes next.
    private mutating func take(_ text: String) -> Bool {
        let wanted = text.unicodeScalars
        guard scalars[place...].starts(with: wanted) else { return false }
        place += wanted.count
        return true
    }

    private mutating func takeOne(_ what: String) throws(RegexFault) -> Unicode.Scalar {
        guard let scalar = next else { throw RegexFault(reason: "ends inside \(what)") }
        place += 1
        return scalar
    }

    /// Goes past a text up to its end mark, and gives it.
    private mutating func take(upTo end: Unicode.Scalar, _ what: String) throws(RegexFault) -> String {
        var text = ""
        while true {
            let scalar = try takeOne(what)
            if scalar == end { return text }
            text.unicodeScalars.append(scalar)
        }
    }
}

// Alternatives, sequences, repetitions and groups.
extension RegexParser {
    private mutating func choice() throws(RegexFault) -> RegexTree {
        depth += 1
        defer { depth -= 1 }
        guard depth <= Self.deepest else { throw RegexFault(reason: "has groups inside groups too deep") }
        var choices = [try sequence()]
        while take("|") { choices.append(try sequence()) }
        return choices.count == 1 ? choices[0] : .choice(choices)
    }

    private mutating func sequence() throws(RegexFault) -> RegexTree {
        var parts: [RegexTree] = []
        while let scalar = next, scalar != "|", scalar != ")" {
            if take("\\Q") {
                var quoted = quotation()
                guard let last = quoted.popLast() else { continue }
                parts += quoted
                parts.append(try repeated(last))
            } else {
                let atom = try atom()
                parts.append(try repeated(atom))
            }
        }
        return .sequence(parts)
    }

    /// Goes past the text between \Q and \E, or the end, each scalar of which stands for itself.
    private mutating func quotation() -> [RegexTree] {
        let start = place
        while next != nil, !scalars[place...].starts(with: "\\E".unicodeScalars) { place += 1 }
        let quoted = scalars[start..<place].map {
            RegexTree.one(ScalarSet($0, ignoresCase: flags.ignoresCase))
        }
        _ = take("\\E")
        return quoted
    }

    private mutating func repeated(_ atom: RegexTree) throws(RegexFault) -> RegexTree {
        guard let bounds = try repetition() else { return atom }
        _ = take("?")
        if try repetition() != nil { throw RegexFault(reason: "repeats a repetition") }
        return .repeated(atom, least: bounds.least, most: bounds.most)
    }

    /// Goes past a repetition operator, if one is next.
    private mutating func repetition() throws(RegexFault) -> (least: Int, most: Int?)? {
        if take("*") { return (0, nil) }
        if take("+") { return (1, nil) }
        if take("?") { return (0, 1) }
        let start = place
        guard take("{"), let least = number() else {
            place = start
            return nil
        }
        var most: Int? = least
        if take(",") { most = number() }
        guard take("}") else {
            place = start
            return nil
        }
        let limit = Self.mostRepetitions
        guard least <= limit, (most ?? 0) <= limit, least <= most ?? least else {
            throw RegexFault(reason: "repeats \(least) to \(most ?? least) times, and \(limit) is the most")
        }
        return (least, most)
    }

    /// A number of a few digits; larger ones stay above every limit.
    private mutating func number() -> Int? {
        var value: Int?
        while let digit = next, ("0"..."9").contains(digit) {
            value = min((value ?? 0) * 10 + Int(digit.value - 48), 1 << 20)
            place += 1
        }
        return value
    }

    private mutating func atom() throws(RegexFault) -> RegexTree {
        let scalar = try takeOne("an expression")
        switch scalar {
        case ".":
            return .one(flags.dotTakesLineBreaks ? .everything : ScalarSet.lineBreak.negated)
        case "^": return .assertion(flags.anchorsAtLines ? .lineStart : .textStart)
        case "$": return .assertion(flags.anchorsAtLines ? .lineEnd : .textEnd)
        case "[": return .one(try bracketed())
        case "(": return try group()
        case "\\": return try escaped()
        case "*", "+", "?": throw RegexFault(reason: "repeats nothing with \(scalar)")
        default: return .one(ScalarSet(scalar, ignoresCase: flags.ignoresCase))
        }
    }

    private mutating func group() throws(RegexFault) -> RegexTree {
        let outer = flags
        if take("?") {
            if take("P<") || take("<") {
                let name = try take(upTo: ">", "the name of a group")
                guard !name.isEmpty, name.unicodeScalars.allSatisfy(ScalarSet.word.contains) else {
                    throw RegexFault(reason: "names a group \"\(name)\"")
                }
            } else if try !groupFlags() {
                return .empty
            }
        }
        let inside = try choice()
        guard take(")") else { throw RegexFault(reason: "has a ( without its )") }
        flags = outer
        return inside
    }

    /// Reads flags up to `:`, which begins a group, or `)`, after which they hold to the end of the group around.
    private mutating func groupFlags() throws(RegexFault) -> Bool {
        var value = true
        while true {
            let scalar = try takeOne("a group")
            switch scalar {
            case "i": flags.ignoresCase = value
            case "s": flags.dotTakesLineBreaks = value
            case "m": flags.anchorsAtLines = value
            case "U": break
            case "-" where value: value = false
            case ":": return true
            case ")": return false
            default: throw RegexFault(reason: "has a group that begins with ?\(scalar)")
            }
        }
    }
}

// Escapes and classes.
extension RegexParser {
    private mutating func escaped() throws(RegexFault) -> RegexTree {
        switch next {
        case "A":
            place += 1
            return .assertion(.textStart)
        case "z":
            place += 1
            return .assertion(.textEnd)
        case "b":
            place += 1
            return .assertion(.wordBoundary)
        case "B":
            place += 1
            return .assertion(.noWordBoundary)
        default: break
        }
        if var set = try escapedClass() {
            set.ignoresCase = flags.ignoresCase
            return .one(set)
        }
        return .one(ScalarSet(try escapedScalar(), ignoresCase: flags.ignoresCase))
    }

    /// Goes past a class behind a backslash, if one is next.
    private mutating func escapedClass() throws(RegexFault) -> ScalarSet? {
        guard let scalar = next else { throw RegexFault(reason: "ends with a backslash") }
        let set: ScalarSet
        switch scalar {
        case "d": set = .digit
        case "D": set = ScalarSet.digit.negated
        case "s": set = .space
        case "S": set = ScalarSet.space.negated
        case "w": set = .word
        case "W": set = ScalarSet.word.negated
        case "p", "P":
            place += 1
            return try category(isNegated: scalar == "P")
        default: return nil
        }
        place += 1
        return set
    }

    private mutating func category(isNegated: Bool) throws(RegexFault) -> ScalarSet {
        var name = take("{") ? try take(upTo: "}", "a category") : String(try takeOne("a category"))
        var isNegated = isNegated
        if name.first == "^" {
            name.removeFirst()
            isNegated.toggle()
        }
        if name == "Any" { return isNegated ? ScalarSet(members: []) : .everything }
        guard let categories = ScalarSet.categories(name) else {
            throw RegexFault(
                reason: "names the category \"\(name)\", which is none of Unicode's general ones")
        }
        return ScalarSet(members: [.category(categories, isNegated: isNegated)])
    }

    /// A single scalar behind a backslash.
    private mutating func escapedScalar() throws(RegexFault) -> Unicode.Scalar {
        let scalar = try takeOne("an escape")
        switch scalar {
        case "a": return "\u{7}"
        case "f": return "\u{c}"
        case "t": return "\t"
        case "n": return "\n"
        case "r": return "\r"
        case "v": return "\u{b}"
        case "x": return try hexadecimal()
        case "0"..."7":
            // \1 to \7 alone would refer back to a group, which RE2 does not know either.
            var digits = String(scalar)
            while digits.count < 3, let digit = next, ("0"..."7").contains(digit) {
                digits.unicodeScalars.append(digit)
                place += 1
            }
            guard scalar == "0" || digits.count > 1 else {
                throw RegexFault(reason: "refers back to a group")
            }
            return try self.scalar(UInt32(digits, radix: 8))
        case "\0"..."\u{7f}" where !ScalarSet.word.contains(scalar) || scalar == "_": return scalar
        default: throw RegexFault(reason: "has the escape \\\(scalar), which is not known")
        }
    }

    private mutating func hexadecimal() throws(RegexFault) -> Unicode.Scalar {
        if take("{") { return try scalar(UInt32(take(upTo: "}", "an escape"), radix: 16)) }
        let (high, low) = (try takeOne("an escape"), try takeOne("an escape"))
        return try scalar(UInt32("\(high)\(low)", radix: 16))
    }

    private func scalar(_ value: UInt32?) throws(RegexFault) -> Unicode.Scalar {
        guard let scalar = value.flatMap(Unicode.Scalar.init) else {
            throw RegexFault(reason: "has an escape that is no scalar of Unicode")
        }
        return scalar
    }

    /// A class in brackets, behind its first one.
    private mutating func bracketed() throws(RegexFault) -> ScalarSet {
        var set = ScalarSet(members: [], isNegated: take("^"), ignoresCase: flags.ignoresCase)
        var isFirst = true
        while isFirst || next != "]" {
            isFirst = false
            set.members.append(try classMember())
        }
        place += 1
        return set
    }

    private mutating func classMember() throws(RegexFault) -> ScalarSet.Member {
        if take("[:") {
            let name = try take(upTo: ":", "a class")
            let isNegated = name.first == "^"
            guard take("]"), let set = ScalarSet.posix(isNegated ? String(name.dropFirst()) : name) else {
                throw RegexFault(reason: "names the class \"\(name)\", which is not known")
            }
            return .set(isNegated ? set.negated : set)
        }
        let low: Unicode.Scalar
        if take("\\") {
            if let set = try escapedClass() { return .set(set) }
            low = try escapedScalar()
        } else {
            low = try takeOne("a class")
        }
        guard next == "-", place + 1 < scalars.count, scalars[place + 1] != "]" else {
            return .range(low.value...low.value)
        }
        place += 1
        let high = take("\\") ? try escapedScalar() : try takeOne("a class")
        guard low <= high else { throw RegexFault(reason: "has a range from \(low) down to \(high)") }
        return .range(low.value...high.value)
    }
}
