/// A value as Python writes it, as far as headers of .npy files use it.
indirect enum PythonLiteral: Hashable {
    case string(String)
    case integer(Int)
    case bool(Bool)
    case none
    /// A tuple or a list.
    case sequence([PythonLiteral])
    case dictionary([String: PythonLiteral])

    /// Nil where the text is anything else, or nested more deeply than any header is.
    init?(parsing text: some Sequence<UInt8>) {
        var parser = Parser(rest: Array(text)[...])
        guard let value = parser.value(depth: 0) else { return nil }
        parser.skipSpace()
        guard parser.rest.isEmpty else { return nil }
        self = value
    }
}

private struct Parser {
    var rest: ArraySlice<UInt8>

    private static let maximalDepth = 16

    mutating func skipSpace() { rest = rest.drop { $0 == 0x20 || (0x09...0x0D).contains($0) } }

    mutating func value(depth: Int) -> PythonLiteral? {
        skipSpace()
        guard depth < Self.maximalDepth, let first = rest.first else { return nil }
        switch first {
        case UInt8(ascii: "'"), UInt8(ascii: "\""): return string().map(PythonLiteral.string)
        case UInt8(ascii: "("): return sequence(until: UInt8(ascii: ")"), depth: depth)
        case UInt8(ascii: "["): return sequence(until: UInt8(ascii: "]"), depth: depth)
        case UInt8(ascii: "{"): return dictionary(depth: depth)
        default: return word()
        }
    }

    /// Between quotes of either kind; a backslash stands for no more than the character after it.
    private mutating func string() -> String? {
        guard let quote = rest.popFirst() else { return nil }
        var bytes: [UInt8] = []
        while let byte = rest.popFirst() {
            if byte == quote { return String(validating: bytes, as: UTF8.self) }
            guard byte == UInt8(ascii: "\\") else {
                bytes.append(byte)
                continue
            }
            guard let next = rest.popFirst(), next == quote || next == UInt8(ascii: "\\") else { return nil }
            bytes.append(next)
        }
        return nil
    }

    private mutating func word() -> PythonLiteral? {
        let ends = Array(",:)]} \t\n\r".utf8)
        let bytes = rest.prefix { !ends.contains($0) }
        rest = rest.dropFirst(bytes.count)
        switch String(decoding: bytes, as: UTF8.self) {
        case "True": return .bool(true)
        case "False": return .bool(false)
        case "None": return PythonLiteral.none
        // Python 2 marked long integers.
        case let word: return Int(word.hasSuffix("L") ? String(word.dropLast()) : word).map { .integer($0) }
        }
    }

    private mutating func sequence(until end: UInt8, depth: Int) -> PythonLiteral? {
        var values: [PythonLiteral] = []
        let isWhole = items(until: end) { parser in
            guard let value = parser.value(depth: depth + 1) else { return false }
            values.append(value)
            return true
        }
        return isWhole ? .sequence(values) : nil
    }

    private mutating func dictionary(depth: Int) -> PythonLiteral? {
        var values: [String: PythonLiteral] = [:]
        let isWhole = items(until: UInt8(ascii: "}")) { parser in
            guard case .string(let key)? = parser.value(depth: depth + 1) else { return false }
            parser.skipSpace()
            guard parser.rest.popFirst() == UInt8(ascii: ":"),
                let value = parser.value(depth: depth + 1), values[key] == nil
            else { return false }
            values[key] = value
            return true
        }
        return isWhole ? .dictionary(values) : nil
    }

    /// Items with commas between them, and perhaps one after the last.
    private mutating func items(until end: UInt8, _ item: (inout Parser) -> Bool) -> Bool {
        rest = rest.dropFirst()
        while true {
            skipSpace()
            if rest.first == end {
                rest = rest.dropFirst()
                return true
            }
            guard item(&self) else { return false }
            skipSpace()
            if rest.first == UInt8(ascii: ",") {
                rest = rest.dropFirst()
            } else if rest.first != end {
                return false
            }
        }
    }
}
