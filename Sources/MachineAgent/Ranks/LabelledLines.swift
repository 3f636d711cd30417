/// Cuts the bytes of one rank's output into whole lines and puts the rank before each.
///
/// A line longer than the limit comes in pieces with a label each, so that a rank that never ends a line costs no more
/// memory than that.
package struct LabelledLines {
    package static let longestLine = 1 << 16

    private let label: [UInt8]
    private var pending: [UInt8] = []

    package init(rank: Int) { label = Array("[\(rank)] ".utf8) }

    /// Takes what was read, and returns the lines that are whole by now, with their ends.
    package mutating func take(_ bytes: some Sequence<UInt8>) -> [UInt8] {
        var lines: [UInt8] = []
        for byte in bytes {
            if byte != UInt8(ascii: "\n") { pending.append(byte) }
            if byte == UInt8(ascii: "\n") || pending.count == Self.longestLine { endLine(&lines) }
        }
        return lines
    }

    /// The last line when its end is missing; empty otherwise.
    package mutating func finish() -> [UInt8] {
        var lines: [UInt8] = []
        if !pending.isEmpty { endLine(&lines) }
        return lines
    }

    private mutating func endLine(_ lines: inout [UInt8]) {
        lines += label
        lines += pending
        lines.append(UInt8(ascii: "\n"))
        pending.removeAll(keepingCapacity: true)
    }
}
