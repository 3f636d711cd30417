import ComputeGraph
import Essentials
import Testing
import Training

@Suite("Digits")
struct DigitsDatasetTests {
    @Test func `the images are those of the source, scaled to one`() throws {
        let digits = try DigitsDataset.load()

        #expect(digits.training.count == 1438)
        #expect(digits.heldOut.count == 359)
        #expect(digits.training.sampleShape == [1, 8, 8])
        // The first image of the data set is a 0 whose first row is 0 0 5 13 9 1 0 0; it is not held out.
        #expect(digits.training.labels.integers[0] == 0)
        #expect(
            Array(digits.training.samples.floats[..<8]) == [0, 0, 5, 13, 9, 1, 0, 0].map { $0 / 16 })
        // All pixels of all images, counted in the original file.
        let darkness = [digits.training, digits.heldOut].map { $0.samples.doubles.reduce(0, +) * 16 }
        #expect(darkness.reduce(0, +) == 561_718)
    }

    @Test func `the split holds out a fifth of each digit, as its rule says`() throws {
        let digits = try DigitsDataset.load()
        let labels = Self.labelsByLine(digits)

        var chosen: [Int] = []
        for digit in 0..<10 {
            var random = SeededGenerator(seed: 1998, purpose: "digits split \(digit)")
            let lines = labels.indices.filter { labels[$0] == digit }
            let drawn = lines.map { (random.next(), $0) }.sorted { $0 < $1 }
            chosen += drawn.prefix((drawn.count + 2) / 5).map(\.1)
        }

        #expect(chosen.sorted() == digits.heldOutLines)
    }

    /// All labels in the order of the data's lines.
    private static func labelsByLine(_ digits: DigitsDataset) -> [Int64] {
        var training = digits.training.labels.integers[...]
        var heldOut = digits.heldOut.labels.integers[...]
        let lines = Set(digits.heldOutLines)
        return (0..<training.count + heldOut.count).map { line in
            lines.contains(line) ? heldOut.removeFirst() : training.removeFirst()
        }
    }

    @Test(arguments: [
        ("012", "Line 1 of the digits data is not 64 pixels"),
        (String(repeating: "h", count: 64) + " 1", "Line 1"),
        (String(repeating: "0", count: 64) + " a", "Line 1"),
        (String(repeating: "0", count: 64) + " 1\n" + String(repeating: "0", count: 63) + " 12", "Line 2"),
    ])
    func `a malformed image is refused by its line`(text: String, words: String) {
        let error = #expect(throws: TrainingError.self) {
            try DigitsDataset(images: Array(text.utf8), heldOut: [])
        }
        #expect(error?.summary.contains(words) == true)
    }

    @Test(arguments: ["1", "-1", "0 0", "x"]) func `a held-out line must exist and be new`(list: String) {
        let image = String(repeating: "0", count: 64) + " 1"

        #expect(throws: TrainingError.self) {
            try DigitsDataset(images: Array(image.utf8), heldOut: Array(list.utf8))
        }
    }
}
