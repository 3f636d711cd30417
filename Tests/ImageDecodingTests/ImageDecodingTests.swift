import ComputeGraph
import Essentials
import Foundation
import ImageDecoding
import TestSupport
import Testing

@Suite("Images")
struct ImageDecodingTests {
    /// Red, green, blue, white; black, gray, yellow, cyan.
    static let colours: [UInt8] = [
        255, 0, 0, 0, 255, 0, 0, 0, 255, 255, 255, 255, 0, 0, 0, 128, 128, 128, 255, 255, 0, 0, 255, 255,
    ]

    @Test(arguments: ImageSample.lossless)
    func `an image of eight colours is decoded`(sample: ImageSample) throws {
        let image = try decode(sample.bytes)

        #expect(image.type == TensorType(.uint8, [2, 4, 3]))
        #expect(image.elements(UInt8.self) == Self.colours)
    }

    @Test func `a JPEG of one colour is decoded`() throws {
        let pixels = try decode(ImageSample.jpeg.bytes).elements(UInt8.self)

        #expect(pixels.count == 8 * 8 * 3)
        for (index, value) in pixels.enumerated() {
            #expect(abs(Int(value) - [200, 100, 50][index % 3]) <= 2)
        }
    }

    @Test func `channels come as they are asked for`() throws {
        let png = ImageSample.lossless[0].bytes

        let reversed = try decode(png, format: "BGR").elements(UInt8.self)
        let gray = try decode(png, format: "Grayscale")

        #expect(Array(reversed.prefix(6)) == [0, 0, 255, 0, 255, 0])
        #expect(gray.type == TensorType(.uint8, [2, 4, 1]))
        #expect(gray.elements(UInt8.self) == [76, 150, 29, 255, 0, 128, 226, 179])
        #expect(throws: GraphError.self) { try decode(png, format: "HSV") }
    }

    @Test(arguments: ImageSample.all)
    func `a file that ends too early is refused or decoded, and nothing breaks`(sample: ImageSample) {
        for count in 0..<sample.bytes.count {
            do {
                _ = try decode(Array(sample.bytes.prefix(count)))
            } catch {
                #expect(error is GraphError)
            }
        }
        #expect(throws: GraphError.self) { try decode(Array(sample.bytes.prefix(sample.bytes.count / 2))) }
    }

    @Test(arguments: ImageSample.all, propertySeeds)
    func `damaged bytes are refused or decoded, and nothing breaks`(sample: ImageSample, seed: UInt64) {
        var random = SeededGenerator(seed: seed, purpose: sample.name)
        for _ in 0..<20 {
            var bytes = sample.bytes
            for _ in 0...random.below(6) { bytes[random.below(bytes.count)] = UInt8(random.below(256)) }
            do {
                _ = try decode(bytes)
            } catch {
                #expect(error is GraphError)
            }
        }
    }

    @Test func `a header that promises too many pixels is refused before they are allocated`() throws {
        let huge = Array("P5 1000000 1000000 255 ".utf8)

        let error = #expect(throws: GraphError.self) { try decode(huge) }

        #expect(try #require(error).summary.contains("1000000 x 1000000 pixels"))
    }

    @Test func `bytes of no format are refused by name`() {
        #expect(throws: GraphError.self) { try decode([]) }
        #expect(throws: GraphError.self) { try decode(Array("GIF89a".utf8)) }
    }

    @Test(
        arguments: [
            ("P1 3 1 # bits\n101", [0, 255, 0]), ("P2 3 1 15 0 15 5", [0, 255, 85]),
            ("P5 2 1 255\n\u{1}\u{2}", [1, 2]),
        ] as [(String, [UInt8])])
    func `gray comes in text and in bytes`(file: String, pixels: [UInt8]) throws {
        #expect(try decode(Array(file.utf8), format: "Grayscale").elements(UInt8.self) == pixels)
    }

    /// Two rows of runs from the bottom: a run of two, then one by one; then a jump, and one pixel.
    @Test func `runs of a bitmap are followed`() throws {
        var bytes: [UInt8] = Array("BM".utf8) + [UInt8](repeating: 0, count: 8) + [62, 0, 0, 0]
        bytes += [40, 0, 0, 0, 5, 0, 0, 0, 2, 0, 0, 0, 1, 0, 8, 0, 1, 0, 0, 0]
        bytes += [UInt8](repeating: 0, count: 12) + [2, 0, 0, 0, 0, 0, 0, 0]
        bytes += [0, 0, 0, 0, 255, 255, 255, 0]
        bytes += [2, 1, 0, 3, 0, 1, 0, 0, 0, 0, 0, 2, 3, 0, 1, 1, 0, 1]

        let pixels = try decode(bytes, format: "Grayscale").elements(UInt8.self)

        #expect(pixels == [0, 0, 0, 255, 0, 255, 255, 0, 255, 0])
    }

    private func decode(_ bytes: [UInt8], format: String = "RGB") throws -> HostTensor {
        var builder = GraphBuilder(evaluator: nil)
        var file = HostTensor(zeros: TensorType(.uint8, [bytes.count]))
        file.withMutableElements(UInt8.self) { span in
            for index in bytes.indices { span[index] = bytes[index] }
        }
        let call = OperatorCall(
            schema: ImageDecoder.schema, node: "decoder", version: 20,
            attributes: ["pixel_format": .string(format)], inputs: [.tensor(builder.constant(file))],
            wantedOutputs: [true])
        guard case .tensor(let image) = try ImageDecoder.checkedBuild(call, in: &builder)[0] else {
            throw GraphError.failed("The image is no tensor.")
        }
        return try builder.tensor(image)
    }
}
