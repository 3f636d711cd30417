import Essentials
import MachineAgent
import TestSupport
import Testing

@Suite("Labelled lines")
struct LabelledLinesTests {
    private func labelled(_ pieces: [[UInt8]]) -> String {
        var lines = LabelledLines(rank: 3)
        var text: [UInt8] = []
        for piece in pieces { text += lines.take(piece) }
        return String(decoding: text + lines.finish(), as: UTF8.self)
    }

    @Test func `each line gets the rank, also an empty one and one without end`() {
        #expect(labelled([Array("a\n\nb".utf8)]) == "[3] a\n[3] \n[3] b\n")
        #expect(labelled([]) == "")
    }

    @Test(arguments: propertySeeds) func `how the bytes come in makes no difference`(seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        let bytes = (0..<random.below(400)).map { _ in random.pick(Array("ab\n\u{e9}".utf8)) }
        var pieces: [[UInt8]] = []
        var rest = bytes[...]
        while !rest.isEmpty {
            let count = 1 + random.below(9)
            pieces.append(Array(rest.prefix(count)))
            rest = rest.dropFirst(count)
        }

        #expect(labelled(pieces) == labelled([bytes]))
    }

    @Test func `a line without end comes in pieces of bounded length`() {
        var lines = LabelledLines(rank: 0)

        let text = lines.take(Array(repeating: UInt8(ascii: "x"), count: LabelledLines.longestLine + 5))

        #expect(text.count == LabelledLines.longestLine + 5)  // label, line, end
        #expect(lines.finish() == Array("[0] xxxxx\n".utf8))
    }
}
