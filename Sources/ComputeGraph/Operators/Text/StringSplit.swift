/// Strings split at a delimiter or at white space, each into a row that empty strings fill up.
package enum StringSplit: ModelOperator {
    package static let schema = OperatorSchema(
        "StringSplit", since: 20, "Strings split at a delimiter or at white space.",
        inputs: [.required("X", .string, "any shape")],
        outputs: [
            .required(
                "Y", .string, "the shape of X, and an axis as long as the most parts; empty strings fill it"),
            .required("Z", .int64, "the shape of X: the number of parts of each string"),
        ],
        attributes: [
            .string(
                "delimiter", nil, "what separates parts; runs of white space where it is empty or left out"),
            .int("maxsplit", nil, "how often a string is split at most, from the left; no limit by default"),
        ])

    package static func build(_ call: OperatorCall, in graph: inout GraphBuilder) throws -> [GraphValue] {
        let tensor = try call.texts(0, in: &graph)
        let delimiter = try call.optionalString("delimiter") ?? ""
        let limit = try call.optionalInt("maxsplit").flatMap { $0 < 0 ? nil : $0 } ?? .max
        let parts = tensor.strings.map { text in
            delimiter.isEmpty ? words(of: text, limit: limit) : split(text, at: delimiter, limit: limit)
        }
        let longest = parts.map(\.count).max() ?? 0
        let shape = try Shape(checking: tensor.type.shape.extents + [longest])
        try graph.requireRoom(for: TensorType(.string, shape), name: call.schema.name)
        let rows = parts.flatMap { $0 + [String](repeating: "", count: longest - $0.count) }
        let counts = HostTensor(
            TensorType(.int64, tensor.type.shape), integers: parts.map { Int64($0.count) })
        return [
            .tensor(graph.constant(HostTensor(TensorType(.string, shape), strings: rows))),
            .tensor(graph.constant(counts)),
        ]
    }

    /// The words between runs of white space; after `limit` words the rest is one, with the white space behind it.
    private static func words(of text: String, limit: Int) -> [String] {
        let isSpace = { (scalar: Unicode.Scalar) in scalar.properties.isWhitespace }
        var rest = text.unicodeScalars.drop(while: isSpace)
        var words: [String] = []
        while !rest.isEmpty {
            guard words.count < limit else { return words + [String(rest)] }
            let word = rest.prefix { !isSpace($0) }
            words.append(String(word))
            rest = rest[word.endIndex...].drop(while: isSpace)
        }
        return words
    }

    /// The parts between delimiters, of which there is one more than delimiters found.
    private static func split(_ text: String, at delimiter: String, limit: Int) -> [String] {
        let (bytes, mark) = (Array(text.utf8), Array(delimiter.utf8))
        var parts: [String] = []
        var (start, place) = (0, 0)
        while place + mark.count <= bytes.count, parts.count < limit {
            if bytes[place] == mark[0], bytes[place..<place + mark.count].elementsEqual(mark) {
                parts.append(String(decoding: bytes[start..<place], as: UTF8.self))
                place += mark.count
                start = place
            } else {
                place += 1
            }
        }
        return parts + [String(decoding: bytes[start...], as: UTF8.self)]
    }
}
