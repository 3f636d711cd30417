import ComputeGraph
import Essentials
import TestSupport
import Testing

@Suite("Text")
struct TextTests {
    /// A pattern, a text, and whether it matches from end to end.
    struct Match: Sendable, CustomStringConvertible {
        var pattern: String
        var text: String
        var matches: Bool
        var description: String { "\(pattern) on \(text)" }

        init(_ pattern: String, _ text: String, _ matches: Bool) {
            self.pattern = pattern
            self.text = text
            self.matches = matches
        }
    }

    @Test(arguments: matches) func `a pattern matches as in RE2`(match: Match) throws {
        let found = try RegexFullMatch.called(
            texts(match.text), attributes: ["pattern": .string(match.pattern)])

        #expect(found[0].wholes == [match.matches ? 1 : 0])
    }

    static let matches = [
        Match("", "", true), Match("", "a", false), Match("abc", "abc", true), Match("abc", "abcd", false),
        Match("a|bc", "bc", true), Match("a|", "", true), Match("(a|b)*c", "abbac", true),
        Match("a{2,3}", "a", false), Match("a{2,3}", "aaa", true), Match("a{2,3}", "aaaa", false),
        Match("a{2,}", "aaaaa", true), Match("a{,2}", "a{,2}", true), Match("a+?b??", "aa", true),
        Match(".", "\n", false), Match("(?s).", "\n", true), Match(".", "é", true),
        Match("[a-c\\d]+", "b2c", true), Match("[^a-c]", "b", false), Match("[]x]", "]", true),
        Match("[\\w.-]+", "a-b.c", true), Match("[[:alpha:]]+", "aZ", true),
        Match("[[:^digit:]]", "1", false),
        Match("(?i)straße", "STRAßE", true), Match("(?i:a)b", "AB", false), Match("(?i:a)b", "Ab", true),
        Match("\\d\\D\\s\\S\\w\\W", "1a b_!", true), Match("\\pL\\p{Nd}\\P{L}", "é7-", true),
        Match("^a$", "a", true), Match("a^", "a", false), Match("(?m)a$\n^b", "a\nb", true),
        Match("\\bab\\b", "ab", true), Match("a\\Bb", "ab", true), Match("\\Aab\\z", "ab", true),
        Match("\\x41\\x{1F600}\\101", "A\u{1F600}A", true), Match("\\Q.*\\E+", ".**", true),
        Match("(?P<name>x)(?<other>y)", "xy", true), Match("(?:x)(?U)y*", "xyy", true),
        // Alike to the eye, and not the same scalars.
        Match("é", "e\u{301}", false),
    ]

    @Test(arguments: [
        "(", ")", "a**", "*a", "[a", "[b-a]", "a{1001}", "\\", "\\1", "(?<n", "(?z)", "\\p{Greek}",
        "[[:no:]]",
        "(((a{100}){100}){100})", "((((){1000}){1000}){1000}){1000}", "\\x{110000}", "\\y",
    ])
    func `a pattern that is not RE2's or too large is refused`(pattern: String) {
        #expect(throws: GraphError.self) {
            try RegexFullMatch.called(texts("a"), attributes: ["pattern": .string(pattern)])
        }
        let deep = String(repeating: "(", count: 10_000)
        #expect(throws: GraphError.self) {
            try RegexFullMatch.called(texts("a"), attributes: ["pattern": .string(deep)])
        }
    }

    /// Trying every way to share the letters out would take longer than the universe is old.
    @Test func `matching takes time in proportion to the text`() throws {
        let text = String(repeating: "a", count: 2000) + "b"
        let found = try RegexFullMatch.called(
            texts(text), attributes: ["pattern": .string("(a*)*(a|aa)*(a+)+c")])

        #expect(found[0].wholes == [0])
    }

    @Test func `strings are joined with broadcasting`() throws {
        let fronts = HostTensor(TensorType(.string, [2, 1]), strings: ["a", "b"])
        let found = try StringConcat.called(fronts, texts("x", "y"))[0]

        #expect(found.type == TensorType(.string, [2, 2]))
        #expect(found.strings == ["ax", "ay", "bx", "by"])
    }

    @Test func `a product of shapes beyond the memory is refused`() {
        let many = HostTensor(zeros: TensorType(.string, [1000]))
        #expect(throws: GraphError.self) {
            try StringConcat.called(many.reshaped(to: [1000, 1]), many, memoryLimit: 1 << 20)
        }
    }

    /// Text, delimiter, most splits, parts.
    @Test(
        arguments: [
            ("a,b,,c", ",", nil, ["a", "b", "", "c"]), ("a,b,c", ",", 1, ["a", "b,c"]), ("", ",", nil, [""]),
            (" a  b c ", nil, nil, ["a", "b", "c"]), (" a  b c ", "", 1, ["a", "b c "]), ("  ", nil, nil, []),
            ("abab", "ab", nil, ["", "", ""]), ("a,b", ",", 0, ["a,b"]),
        ] as [(String, String?, Int?, [String])])
    func `strings are split as Python splits them`(
        text: String, delimiter: String?, limit: Int?, parts: [String]
    ) throws {
        var attributes: [String: Attribute] = [:]
        if let delimiter { attributes["delimiter"] = .string(delimiter) }
        if let limit { attributes["maxsplit"] = .int(limit) }

        let found = try StringSplit.called(texts(text, "x"), attributes: attributes)

        #expect(found[0].type == TensorType(.string, [2, max(parts.count, 1)]))
        #expect(Array(found[0].strings.prefix(parts.count)) == parts)
        #expect(found[1].integers == [Int64(parts.count), 1])
    }

    @Test func `stop words go, in any case or in their own`() throws {
        let words = texts("Monday", "tuesday", "monday")
        let stops: [String: Attribute] = ["stopwords": .strings(["monday"])]
        #expect(
            try StringNormalizer.called(words, attributes: stops)[0].strings == ["tuesday"])
        let sensitive = stops.merging(
            ["is_case_sensitive": .int(1), "case_change_action": .string("UPPER")]) { $1 }
        #expect(
            try StringNormalizer.called(words, attributes: sensitive)[0].strings == ["MONDAY", "TUESDAY"])
        #expect(try StringNormalizer.called(texts("monday"), attributes: stops)[0].strings == [""])
        let column = HostTensor(TensorType(.string, [2, 1]), strings: ["a", "b"])
        #expect(throws: GraphError.self) { try StringNormalizer.called(column) }
    }

    /// Of the n-grams 1, 2, (1 2) and (2 1) in 1 2 9 1 2, the last is found once, with the 9 skipped.
    @Test(
        arguments: [("TF", [2, 2, 2, 1]), ("IDF", [1, 1, 1, 0.5]), ("TFIDF", [2, 2, 2, 0.5])]
            as [(String, [Float])])
    func `n-grams are counted and weighed`(mode: String, counts: [Float]) throws {
        var attributes: [String: Attribute] = [
            "mode": .string(mode), "ngram_counts": .ints([0, 2]), "ngram_indexes": .ints([0, 1, 2, 3]),
            "pool_int64s": .ints([1, 2, 1, 2, 2, 1]), "min_gram_length": .int(1), "max_gram_length": .int(2),
            "max_skip_count": .int(1), "weights": .floats([1, 1, 1, 0.5]),
        ]
        let items = HostTensor(.int64(5), integers: [1, 2, 9, 1, 2])
        #expect(try TfIdfVectorizer.called(items, attributes: attributes)[0].floats == counts)

        attributes["ngram_indexes"] = .ints([0, 1, 2, -3])
        #expect(throws: GraphError.self) { try TfIdfVectorizer.called(items, attributes: attributes) }
        attributes["ngram_indexes"] = .ints([0, 1, 2, 1 << 43])
        #expect(throws: GraphError.self) { try TfIdfVectorizer.called(items, attributes: attributes) }
        attributes["ngram_indexes"] = .ints([0, 1, 2, 3])
        attributes["ngram_counts"] = .ints([0, 99])
        #expect(throws: GraphError.self) { try TfIdfVectorizer.called(items, attributes: attributes) }
    }
}
