/// A piece of an XML document: its name, attributes, children, and the text directly inside.
///
/// This reads as much of XML as machine descriptions use, from files nobody vouches for. It cannot crash, refuses
/// documents that would expand (no declared entities) or nest without end, and takes time in proportion to the
/// size. Hwloc's own reader is not used for files: one in fourteen of slightly damaged documents ended the
/// process inside it.
struct XMLElement {
    var name: String
    var attributes: [String: String] = [:]
    var children: [XMLElement] = []
    var text = ""

    func children(named name: String) -> [XMLElement] { children.filter { $0.name == name } }
}

/// What is wrong with a document, and on which line.
struct XMLProblem: Error {
    var reason: String
    var line: Int
}

extension XMLElement {
    /// Deep enough for any machine (hwloc's own go to about 20).
    static let deepest = 128
    /// Elements and attributes together; the largest machine we accept has about 700,000.
    static let mostPieces = 2_000_000

    /// Reads a whole document and returns its outermost element.
    init(document: String) throws(XMLProblem) {
        var reader = XMLReader(Array(document.utf8))
        self = try reader.document()
    }
}

/// Reads a document front to back.
///
/// Recursion is a stack of open elements, so depth costs no machine stack.
private struct XMLReader {
    private let bytes: [UInt8]
    private var position = 0
    private var pieces = 0

    init(_ bytes: [UInt8]) { self.bytes = bytes }

    mutating func document() throws(XMLProblem) -> XMLElement {
        skip("\u{FEFF}")
        try skipMiscellany(allowingDoctype: true)
        let root = try elementTree()
        try skipMiscellany(allowingDoctype: false)
        guard position == bytes.count else { throw problem("there is text after the end") }
        return root
    }

    private mutating func elementTree() throws(XMLProblem) -> XMLElement {
        guard peek == UInt8(ascii: "<") else { throw problem("there is no XML element") }
        var open: [XMLElement] = []
        while true {
            var finished: XMLElement?
            if skip("</") {
                finished = try closingTag(of: open.popLast())
            } else if skip("<![CDATA[") {
                try appendText(until: "]]>", decoding: false, to: &open)
                skip("]]>")
            } else if peek == UInt8(ascii: "<") {
                if try skipCommentOrInstruction() { continue }
                let (element, isClosed) = try openingTag()
                if isClosed { finished = element } else { open.append(element) }
                guard open.count <= XMLElement.deepest else { throw problem("elements nest too deeply") }
            } else if peek != nil {
                try appendText(until: "<", decoding: true, to: &open)
            } else {
                throw problem("the document ends in the middle")
            }
            guard let finished else { continue }
            guard !open.isEmpty else { return finished }
            open[open.count - 1].children.append(finished)
        }
    }

    private mutating func openingTag() throws(XMLProblem) -> (element: XMLElement, isClosed: Bool) {
        skip("<")
        var element = XMLElement(name: try name())
        try count()
        while true {
            let hadSpace = skipSpace()
            if skip("/>") { return (element, true) }
            if skip(">") { return (element, false) }
            guard hadSpace else { throw problem("<\(element.name)> is not a well-formed tag") }
            let (key, value) = try attribute()
            guard element.attributes.updateValue(value, forKey: key) == nil else {
                throw problem("\(key) is given twice")
            }
            try count()
        }
    }

    private mutating func closingTag(of element: XMLElement?) throws(XMLProblem) -> XMLElement {
        let name = try name()
        skipSpace()
        guard skip(">"), let element, element.name == name else {
            throw problem("</\(name)> closes nothing that is open")
        }
        return element
    }

    private mutating func attribute() throws(XMLProblem) -> (String, String) {
        let key = try name()
        skipSpace()
        guard skip("=") else { throw problem("\(key) has no value") }
        skipSpace()
        guard let quote = peek, quote == UInt8(ascii: "\"") || quote == UInt8(ascii: "'") else {
            throw problem("the value of \(key) has no quotes")
        }
        position += 1
        guard let end = bytes[position...].firstIndex(of: quote) else {
            throw problem("the value of \(key) does not end")
        }
        let value = try decoded(bytes[position..<end])
        position = end + 1
        return (key, value)
    }

    private mutating func name() throws(XMLProblem) -> String {
        let end = bytes[position...].firstIndex { !isNameByte($0) } ?? bytes.count
        guard end > position, end - position <= 256 else { throw problem("a name is missing") }
        defer { position = end }
        return String(decoding: bytes[position..<end], as: UTF8.self)
    }

    private func isNameByte(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"): true
        case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"), UInt8(ascii: "-"): true
        case UInt8(ascii: ":"), UInt8(ascii: "."), 0x80...: true
        default: false
        }
    }

    /// Text directly inside an element; outside all elements only space may stand, which the caller skips.
    private mutating func appendText(
        until end: StaticString, decoding: Bool, to open: inout [XMLElement]
    ) throws(XMLProblem) {
        guard !open.isEmpty else { throw problem("there is text outside the elements") }
        let start = position
        try advance(to: end)
        let piece = bytes[start..<position]
        open[open.count - 1].text += decoding ? try decoded(piece) : String(decoding: piece, as: UTF8.self)
    }
}

extension XMLReader {
    private var peek: UInt8? { position < bytes.count ? bytes[position] : nil }

    private func problem(_ reason: String) -> XMLProblem {
        let line = bytes[..<min(position, bytes.count)].reduce(1) { $0 + ($1 == UInt8(ascii: "\n") ? 1 : 0) }
        return XMLProblem(reason: reason, line: line)
    }

    private mutating func count() throws(XMLProblem) {
        pieces += 1
        guard pieces <= XMLElement.mostPieces else { throw problem("there are too many elements") }
    }

    @discardableResult
    private mutating func skip(_ literal: StaticString) -> Bool {
        guard starts(with: literal) else { return false }
        position += literal.utf8CodeUnitCount
        return true
    }

    private func starts(with literal: StaticString) -> Bool {
        literal.withUTF8Buffer { literal in unsafe bytes[position...].starts(with: literal) }
    }

    @discardableResult
    private mutating func skipSpace() -> Bool {
        let start = position
        while let byte = peek, byte == 0x20 || (0x09...0x0D).contains(byte) { position += 1 }
        return position > start
    }

    private mutating func advance(to literal: StaticString) throws(XMLProblem) {
        let first = literal.withUTF8Buffer { unsafe $0[0] }
        while !starts(with: literal) {
            guard position < bytes.count else { throw problem("the document ends in the middle") }
            position = bytes[(position + 1)...].firstIndex(of: first) ?? bytes.count
        }
    }

    private mutating func skipMiscellany(allowingDoctype: Bool) throws(XMLProblem) {
        while true {
            skipSpace()
            if try skipCommentOrInstruction() { continue }
            guard allowingDoctype, skip("<!DOCTYPE") else { return }
            let start = position
            try advance(to: ">")
            guard !bytes[start..<position].contains(UInt8(ascii: "[")) else {
                throw problem("a document type with declarations inside is not accepted")
            }
            skip(">")
        }
    }

    private mutating func skipCommentOrInstruction() throws(XMLProblem) -> Bool {
        if skip("<!--") {
            try advance(to: "-->")
            return skip("-->")
        }
        if skip("<?") {
            try advance(to: "?>")
            return skip("?>")
        }
        return false
    }

    /// Replaces `&lt;` and its like; only the five entities of XML itself and numbers exist.
    private func decoded(_ piece: ArraySlice<UInt8>) throws(XMLProblem) -> String {
        guard piece.contains(UInt8(ascii: "&")) else { return String(decoding: piece, as: UTF8.self) }
        var result: [UInt8] = []
        var rest = piece
        while let byte = rest.popFirst() {
            guard byte == UInt8(ascii: "&") else {
                result.append(byte)
                continue
            }
            guard let end = rest.prefix(12).firstIndex(of: UInt8(ascii: ";")),
                let character = character(of: String(decoding: rest[..<end], as: UTF8.self))
            else { throw problem("an & begins no known character") }
            result += Array(String(character).utf8)
            rest = rest[(end + 1)...]
        }
        return String(decoding: result, as: UTF8.self)
    }

    private func character(of entity: String) -> Unicode.Scalar? {
        switch entity {
        case "lt": "<"
        case "gt": ">"
        case "amp": "&"
        case "quot": "\""
        case "apos": "'"
        case _ where entity.hasPrefix("#x"):
            UInt32(entity.dropFirst(2), radix: 16).flatMap(Unicode.Scalar.init)
        case _ where entity.hasPrefix("#"): UInt32(entity.dropFirst()).flatMap(Unicode.Scalar.init)
        default: nil
        }
    }
}
