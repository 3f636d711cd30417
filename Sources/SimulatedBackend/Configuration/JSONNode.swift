/// A value of a JSON text, with the line on which it begins.
///
/// A reader of our own, because a person who wrote a configuration wants to know the line that is wrong.
struct JSONNode: Sendable {
    var line: Int
    var value: Value

    indirect enum Value: Sendable {
        case null
        case bool(Bool)
        case number(String)
        case string(String)
        case array([JSONNode])
        case object([Member])
    }

    struct Member: Sendable {
        var key: String
        var line: Int
        var node: JSONNode
    }

    /// What the value is, in a sentence.
    var kindName: String {
        switch value {
        case .null: "null"
        case .bool: "true or false"
        case .number: "a number"
        case .string: "a text"
        case .array: "a list"
        case .object: "an object"
        }
    }
}

/// Why a text is not JSON.
struct JSONFailure: Error {
    var line: Int
    var text: String
}

/// Reads JSON; a name may come only once in an object, and a number may also have a plus or leading zeros.
struct JSONReader {
    /// Deeper than any configuration is.
    private static let deepest = 64

    private let bytes: [UInt8]
    private var place = 0
    private var line = 1
    private var depth = 0

    static func read(_ bytes: [UInt8]) throws(JSONFailure) -> JSONNode {
        var reader = JSONReader(bytes: bytes)
        let node = try reader.value()
        reader.skipSpace()
        guard reader.next == nil else { throw reader.failure("there is more after the end of the value") }
        return node
    }

    private init(bytes: [UInt8]) { self.bytes = bytes }

    private var next: UInt8? { place < bytes.count ? bytes[place] : nil }

    private func failure(_ text: String) -> JSONFailure { JSONFailure(line: line, text: text) }

    private mutating func skipSpace() {
        while let byte = next, byte == 0x20 || byte == 0x09 || byte == 0x0A || byte == 0x0D {
            if byte == 0x0A { line += 1 }
            place += 1
        }
    }

    private mutating func take(_ wanted: Character) throws(JSONFailure) {
        skipSpace()
        guard let byte = next, byte == wanted.asciiValue else {
            throw failure("'\(wanted)' is missing\(found)")
        }
        place += 1
    }

    private var found: String {
        guard let next else { return "; the text ends here" }
        return " before '\(Character(UnicodeScalar(next)))'"
    }

    private mutating func takeIf(_ wanted: Character) -> Bool {
        skipSpace()
        guard next == wanted.asciiValue else { return false }
        place += 1
        return true
    }

    private mutating func value() throws(JSONFailure) -> JSONNode {
        skipSpace()
        guard depth < JSONReader.deepest else {
            throw failure("lists and objects lie too deep in each other")
        }
        depth += 1
        defer { depth -= 1 }
        let start = line
        guard let byte = next else { throw failure("a value is missing; the text ends here") }
        switch byte {
        case UInt8(ascii: "{"): return JSONNode(line: start, value: .object(try members()))
        case UInt8(ascii: "["): return JSONNode(line: start, value: .array(try elements()))
        case UInt8(ascii: "\""): return JSONNode(line: start, value: .string(try string()))
        case UInt8(ascii: "t"), UInt8(ascii: "f"), UInt8(ascii: "n"): return try word()
        default: return JSONNode(line: start, value: .number(try number()))
        }
    }

    private mutating func members() throws(JSONFailure) -> [JSONNode.Member] {
        try take("{")
        var members: [JSONNode.Member] = []
        guard !takeIf("}") else { return members }
        repeat {
            skipSpace()
            let start = line
            let key = try string()
            guard !members.contains(where: { $0.key == key }) else {
                throw failure("the field \"\(key)\" comes twice")
            }
            try take(":")
            members.append(JSONNode.Member(key: key, line: start, node: try value()))
        } while takeIf(",")
        try take("}")
        return members
    }

    private mutating func elements() throws(JSONFailure) -> [JSONNode] {
        try take("[")
        var elements: [JSONNode] = []
        guard !takeIf("]") else { return elements }
        repeat { elements.append(try value()) } while takeIf(",")
        try take("]")
        return elements
    }

    private mutating func word() throws(JSONFailure) -> JSONNode {
        let words: [(String, JSONNode.Value)] = [
            ("true", .bool(true)), ("false", .bool(false)), ("null", .null),
        ]
        for (text, value) in words where bytes[place...].starts(with: text.utf8) {
            place += text.utf8.count
            return JSONNode(line: line, value: value)
        }
        throw failure("a value is missing\(found)")
    }

    private mutating func number() throws(JSONFailure) -> String {
        let start = place
        while let byte = next, "+-.eE0123456789".utf8.contains(byte) { place += 1 }
        let text = String(decoding: bytes[start..<place], as: UTF8.self)
        guard Double(text)?.isFinite == true else { throw failure("a value is missing\(found)") }
        return text
    }
}

// Strings.
extension JSONReader {
    private mutating func string() throws(JSONFailure) -> String {
        try take("\"")
        var text: [UInt8] = []
        while let byte = next, byte != UInt8(ascii: "\"") {
            place += 1
            guard byte >= 0x20 else { throw failure("a text holds a control character, or does not end") }
            if byte == UInt8(ascii: "\\") {
                text += Array(String(try escape()).utf8)
            } else {
                text.append(byte)
            }
        }
        try take("\"")
        guard let valid = String(validating: text, as: UTF8.self) else {
            throw failure("a text is not UTF-8")
        }
        return valid
    }

    private mutating func escape() throws(JSONFailure) -> Unicode.Scalar {
        guard let byte = next else { throw failure("a text does not end") }
        place += 1
        switch byte {
        case UInt8(ascii: "n"): return "\n"
        case UInt8(ascii: "t"): return "\t"
        case UInt8(ascii: "r"): return "\r"
        case UInt8(ascii: "b"): return "\u{8}"
        case UInt8(ascii: "f"): return "\u{c}"
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): return Unicode.Scalar(byte)
        case UInt8(ascii: "u"): return try scalar()
        default: throw failure("there is no escape '\\\(Character(Unicode.Scalar(byte)))'")
        }
    }

    private mutating func scalar() throws(JSONFailure) -> Unicode.Scalar {
        let high = try unit()
        if let scalar = Unicode.Scalar(high) { return scalar }
        guard high < 0xDC00, next == UInt8(ascii: "\\") else { throw failure("half a surrogate pair") }
        place += 1
        guard next == UInt8(ascii: "u") else { throw failure("half a surrogate pair") }
        place += 1
        let low = try unit()
        guard (0xDC00..<0xE000).contains(low) else { throw failure("half a surrogate pair") }
        let value = 0x10000 + (UInt32(high - 0xD800) << 10) + UInt32(low - 0xDC00)
        guard let scalar = Unicode.Scalar(value) else { throw failure("half a surrogate pair") }
        return scalar
    }

    private mutating func unit() throws(JSONFailure) -> UInt16 {
        let end = min(place + 4, bytes.count)
        let digits = String(decoding: bytes[place..<end], as: UTF8.self)
        guard digits.utf8.count == 4, digits.allSatisfy(\.isHexDigit), let unit = UInt16(digits, radix: 16)
        else { throw failure("\\u wants four hexadecimal digits") }
        place = end
        return unit
    }
}
