internal import ComputeGraph

/// The handwritten digits that come with Heng: 1,797 images of 8 x 8 pixels in ten classes, split once and for
/// all into images to train on and held-out ones.
///
/// Source, licence and notation are in `Data/README.md`. Pixels are scaled to 0...1.
package struct DigitsDataset: Sendable {
    package static let classCount = 10
    package static let side = 8

    package let training: ClassificationData
    package let heldOut: ClassificationData
    /// Which lines of the data are held out, in rising order, from 0.
    package let heldOutLines: [Int]

    /// The data set compiled into the program.
    package static func load() throws(TrainingError) -> DigitsDataset {
        try DigitsDataset(images: bytes(of: DigitsText.images), heldOut: bytes(of: DigitsText.heldOut))
    }

    /// Reads images and held-out line numbers in the notation of `Data/README.md`.
    package init(images: [UInt8], heldOut: [UInt8]) throws(TrainingError) {
        var parsed: [DigitImage] = []
        for (number, line) in images.split(separator: UInt8(ascii: "\n")).enumerated() {
            guard let image = DigitImage(line) else {
                throw .malformedData(name: "digits", line: number + 1, reason: "is not 64 pixels and a digit")
            }
            parsed.append(image)
        }
        let apart = try DigitsDataset.lineNumbers(heldOut, below: parsed.count)
        heldOutLines = apart.sorted()
        let kept = parsed.indices.filter { !apart.contains($0) }
        training = DigitsDataset.data(kept.map { parsed[$0] })
        self.heldOut = DigitsDataset.data(heldOutLines.map { parsed[$0] })
    }

    private static func bytes(of text: StaticString) -> [UInt8] {
        text.withUTF8Buffer { buffer in unsafe Array(buffer) }
    }

    private static func lineNumbers(_ text: [UInt8], below count: Int) throws(TrainingError) -> Set<Int> {
        var numbers = Set<Int>()
        for word in text.split(whereSeparator: { $0 <= UInt8(ascii: " ") }) {
            guard let number = Int(String(decoding: word, as: UTF8.self)), (0..<count).contains(number),
                numbers.insert(number).inserted
            else {
                throw .malformedData(
                    name: "held-out digits", line: numbers.count + 1,
                    reason: "is not a new line number below \(count)")
            }
        }
        return numbers
    }

    private static func data(_ images: [DigitImage]) -> ClassificationData {
        ClassificationData(
            samples: HostTensor(
                TensorType(.float32, [images.count, 1, side, side]), floats: images.flatMap(\.pixels)),
            labels: HostTensor(TensorType(.int64, [images.count]), integers: images.map(\.digit)),
            classCount: classCount)
    }
}

/// One line of the data: 64 pixels from 0 to 16 in one character each, a space, the digit.
private struct DigitImage {
    let pixels: [Float]
    let digit: Int64

    init?(_ line: ArraySlice<UInt8>) {
        guard line.count == 66, line[line.startIndex + 64] == UInt8(ascii: " ") else { return nil }
        let darkness = line.prefix(64).compactMap { DigitImage.value(of: $0) }
        guard darkness.count == 64, let digit = line.last.flatMap({ DigitImage.value(of: $0) }), digit < 10
        else {
            return nil
        }
        pixels = darkness.map { Float($0) / 16 }
        self.digit = Int64(digit)
    }

    private static func value(of character: UInt8) -> Int? {
        switch character {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): Int(character - UInt8(ascii: "0"))
        case UInt8(ascii: "a")...UInt8(ascii: "g"): Int(character - UInt8(ascii: "a")) + 10
        default: nil
        }
    }
}
