/// A regular expression as a tree.
indirect enum RegexTree: Sendable {
    case empty
    case one(ScalarSet)
    case assertion(RegexAssertion)
    case sequence([RegexTree])
    case choice([RegexTree])
    /// At least `least` times, and at most `most` times where that is not nil.
    case repeated(RegexTree, least: Int, most: Int?)
}

/// What may be asked of a place between two scalars.
enum RegexAssertion: Sendable {
    case textStart, textEnd, lineStart, lineEnd, wordBoundary, noWordBoundary

    /// Whether it holds between two scalars, nil at the ends of the text.
    func holds(between before: Unicode.Scalar?, _ after: Unicode.Scalar?) -> Bool {
        switch self {
        case .textStart: before == nil
        case .textEnd: after == nil
        case .lineStart: before == nil || before == "\n"
        case .lineEnd: after == nil || after == "\n"
        case .wordBoundary: Self.isWord(before) != Self.isWord(after)
        case .noWordBoundary: Self.isWord(before) == Self.isWord(after)
        }
    }

    /// Words are ASCII's here, as in RE2.
    private static func isWord(_ scalar: Unicode.Scalar?) -> Bool {
        guard let scalar else { return false }
        return ScalarSet.word.contains(scalar)
    }
}

/// Why a pattern is refused, as the end of a sentence that begins with "the pattern".
struct RegexFault: Error {
    var reason: String
}

/// A set of Unicode scalars.
struct ScalarSet: Sendable {
    enum Member: Sendable {
        case range(ClosedRange<UInt32>)
        case category(Set<Unicode.GeneralCategory>, isNegated: Bool)
        case set(ScalarSet)
    }

    var members: [Member] = []
    var isNegated = false
    /// Whether a scalar in another case is a member too.
    var ignoresCase = false

    init(members: [Member] = [], isNegated: Bool = false, ignoresCase: Bool = false) {
        self.members = members
        self.isNegated = isNegated
        self.ignoresCase = ignoresCase
    }

    init(_ ranges: ClosedRange<Unicode.Scalar>..., isNegated: Bool = false) {
        self.init(
            members: ranges.map { .range($0.lowerBound.value...$0.upperBound.value) }, isNegated: isNegated)
    }

    init(_ scalar: Unicode.Scalar, ignoresCase: Bool) {
        self.init(members: [.range(scalar.value...scalar.value)], ignoresCase: ignoresCase)
    }

    static let digit = ScalarSet("0"..."9")
    static let word = ScalarSet("0"..."9", "A"..."Z", "a"..."z", "_"..."_")
    static let space = ScalarSet("\t"..."\n", "\u{c}"..."\r", " "..." ")
    static let everything = ScalarSet(members: [], isNegated: true)
    static let lineBreak = ScalarSet("\n"..."\n")

    var negated: ScalarSet { ScalarSet(members: members, isNegated: !isNegated, ignoresCase: ignoresCase) }

    func contains(_ scalar: Unicode.Scalar) -> Bool {
        let isMember =
            has(scalar)
            || ignoresCase
                && (Self.single(scalar.properties.lowercaseMapping).map(has) ?? false
                    || Self.single(scalar.properties.uppercaseMapping).map(has) ?? false)
        return isMember != isNegated
    }

    private func has(_ scalar: Unicode.Scalar) -> Bool {
        members.contains { member in
            switch member {
            case .range(let range): range.contains(scalar.value)
            case .category(let set, let isNegated):
                set.contains(scalar.properties.generalCategory) != isNegated
            case .set(let set): set.contains(scalar)
            }
        }
    }

    private static func single(_ text: String) -> Unicode.Scalar? {
        text.unicodeScalars.count == 1 ? text.unicodeScalars.first : nil
    }
}

extension ScalarSet {
    /// A class by its POSIX name, such as `alpha`.
    static func posix(_ name: String) -> ScalarSet? {
        switch name {
        case "alnum": ScalarSet("0"..."9", "A"..."Z", "a"..."z")
        case "alpha": ScalarSet("A"..."Z", "a"..."z")
        case "ascii": ScalarSet("\0"..."\u{7f}")
        case "blank": ScalarSet("\t"..."\t", " "..." ")
        case "cntrl": ScalarSet("\0"..."\u{1f}", "\u{7f}"..."\u{7f}")
        case "digit": digit
        case "graph": ScalarSet("!"..."~")
        case "lower": ScalarSet("a"..."z")
        case "print": ScalarSet(" "..."~")
        case "punct": ScalarSet("!"..."/", ":"..."@", "["..."`", "{"..."~")
        case "space": ScalarSet("\t"..."\r", " "..." ")
        case "upper": ScalarSet("A"..."Z")
        case "word": word
        case "xdigit": ScalarSet("0"..."9", "A"..."F", "a"..."f")
        default: nil
        }
    }

    /// The general categories by Unicode's short names: `L`, `Lu`.
    static func categories(_ name: String) -> Set<Unicode.GeneralCategory>? {
        let found = categoryNames.filter { $0.key == name || name.count == 1 && $0.key.hasPrefix(name) }
        return found.isEmpty ? nil : Set(found.values)
    }

    private static let categoryNames: [String: Unicode.GeneralCategory] = [
        "Lu": .uppercaseLetter, "Ll": .lowercaseLetter, "Lt": .titlecaseLetter, "Lm": .modifierLetter,
        "Lo": .otherLetter, "Mn": .nonspacingMark, "Mc": .spacingMark, "Me": .enclosingMark,
        "Nd": .decimalNumber, "Nl": .letterNumber, "No": .otherNumber, "Pc": .connectorPunctuation,
        "Pd": .dashPunctuation, "Ps": .openPunctuation, "Pe": .closePunctuation, "Pi": .initialPunctuation,
        "Pf": .finalPunctuation, "Po": .otherPunctuation, "Sm": .mathSymbol, "Sc": .currencySymbol,
        "Sk": .modifierSymbol, "So": .otherSymbol, "Zs": .spaceSeparator, "Zl": .lineSeparator,
        "Zp": .paragraphSeparator, "Cc": .control, "Cf": .format, "Cs": .surrogate, "Co": .privateUse,
    ]
}
