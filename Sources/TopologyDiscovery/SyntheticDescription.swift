internal import Essentials

/// The texts for made-up machines that we hand to hwloc: levels from the outside in, `pack:2 numa:2 core:8 pu:2`.
///
/// A level is a kind, a colon and how many each of the level above has, with attributes in parentheses:
/// `numa:2(memory=64GiB)`, `l3:1(size=32MiB)`. `[numa(memory=8GiB)]` attaches memory to the level before it.
/// Hwloc takes wilder ones, and takes minutes over some; this subset is checked before hwloc sees it.
/// Reference: https://hwloc.readthedocs.io/en/stable/synthetic.html
struct SyntheticDescription {
    /// Hwloc's time grows with the square of a level's width under one parent: 512 is quick, 8192 takes 12 s.
    static let mostPerParent = 512
    static let mostLevels = 16

    /// The text for hwloc, with sizes in bytes: hwloc and we read `1.5G` differently.
    var text: String

    /// Checks the text, and throws the reason why it is not one of ours.
    init(_ text: String) throws(ReadingProblem) {
        var levels: [Level] = []
        for part in text.split(separator: " ", omittingEmptySubsequences: true) {
            guard levels.count < Self.mostLevels else {
                throw ReadingProblem("it has more than \(Self.mostLevels) levels")
            }
            levels.append(try Level(part))
        }
        guard let innermost = levels.last else { throw ReadingProblem("it is empty") }
        guard innermost.kind == "pu", !innermost.isAttached else {
            throw ReadingProblem("it does not end with its processing units, as in pu:2")
        }
        try Self.checkSize(of: levels)
        self.text = levels.map(\.text).joined(separator: " ")
    }

    private static func checkSize(of levels: [Level]) throws(ReadingProblem) {
        var width = 1
        var nodes = 0
        for level in levels {
            width *= level.count
            guard width <= TopologyReading.mostUnits else {
                throw ReadingProblem("it has more than \(TopologyReading.mostUnits) processing units")
            }
            if level.isMemory { nodes += width }
            guard nodes <= TopologyReading.mostNodes else {
                throw ReadingProblem("it has more than \(TopologyReading.mostNodes) memory nodes")
            }
        }
    }
}

private struct Level {
    var kind: String
    /// How many each parent has; one for attached memory.
    var count: Int
    var isAttached: Bool
    /// `memory` or `size`, with bytes.
    var attribute: (name: String, size: ByteCount)?

    static let kinds = [
        "pack", "package", "socket", "die", "group", "numa", "node", "numanode", "l5", "l4", "l3", "l2", "l1",
        "l1d", "l1i", "core", "pu",
    ]

    init(_ text: Substring) throws(ReadingProblem) {
        isAttached = text.first == "[" && text.last == "]"
        let body = isAttached ? text.dropFirst().dropLast() : text
        let attributes = body.firstIndex(of: "(").map { body[$0...] } ?? ""
        attribute = attributes.isEmpty ? nil : try Self.attribute(attributes)
        let head = body.dropLast(attributes.count)
        if isAttached {
            guard head == "numa" else { throw ReadingProblem("only [numa] may stand in brackets") }
            (kind, count) = ("numa", 1)
        } else {
            (kind, count) = try Self.kindAndCount(head)
        }
    }

    var isMemory: Bool { ["numa", "node", "numanode"].contains(kind) }

    var text: String {
        let attributes = attribute.map { "(\($0.name)=\($0.size.bytes))" } ?? ""
        return isAttached ? "[\(kind)\(attributes)]" : "\(kind):\(count)\(attributes)"
    }

    private static func kindAndCount(_ head: Substring) throws(ReadingProblem) -> (String, Int) {
        let parts = head.split(separator: ":", omittingEmptySubsequences: false)
        guard parts.count == 2, kinds.contains(String(parts[0])) else {
            throw ReadingProblem(
                "\"\(head.prefix(40))\" is not a level; known are \(kinds.joined(separator: " "))")
        }
        guard let count = Int(parts[1]), (1...SyntheticDescription.mostPerParent).contains(count) else {
            throw ReadingProblem(
                "\"\(head.prefix(40))\" does not say how many, from 1 to \(SyntheticDescription.mostPerParent)"
            )
        }
        return (String(parts[0]), count)
    }

    private static func attribute(_ text: Substring) throws(ReadingProblem) -> (String, ByteCount) {
        let parts = text.dropFirst().dropLast().split(separator: "=", omittingEmptySubsequences: false)
        guard text.last == ")", parts.count == 2, ["memory", "size"].contains(parts[0]),
            let size = ByteCount(parsing: String(parts[1])), size.bytes > 0,
            size < TopologyReading.mostMemoryPerNode
        else { throw ReadingProblem("\"\(text.prefix(40))\" is not (memory=64GiB) or (size=32MiB)") }
        return (String(parts[0]), size)
    }
}
