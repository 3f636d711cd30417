import ComputeGraph
import Essentials
import TestSupport
import Testing

@Suite("Floats of 16 and fewer bits")
struct SmallFloatTests {
    static let formats: [ElementType] = [
        .float8e4m3fn, .float8e4m3fnuz, .float8e5m2, .float8e5m2fnuz, .float8e8m0, .float4e2m1,
    ]

    @Test(arguments: formats) func `every pattern is the pattern of its own value`(element: ElementType) {
        let format = SmallFloatFormat(element)
        let patterns = element.bitWidth < 8 ? 16 : 256

        for (pattern, value) in format.values.prefix(patterns).enumerated() where !value.isNaN {
            #expect(format.bits(of: value, saturating: false) == UInt8(pattern), "\(value)")
            guard value.isFinite else { continue }
            #expect(format.bits(of: value, saturating: true) == UInt8(pattern), "\(value)")
        }
    }

    @Test(arguments: formats) func `a NaN stays one wherever the format has one`(element: ElementType) {
        let format = SmallFloatFormat(element)
        let pattern = format.bits(of: .nan, saturating: true)

        #expect(format.values[Int(pattern)].isNaN == (element != .float4e2m1))
    }

    @Test(arguments: formats, propertySeeds)
    func `the nearest value is chosen, and of two the even pattern`(element: ElementType, seed: UInt64) {
        var random = SeededGenerator(seed: seed, purpose: "\(element)")
        let format = SmallFloatFormat(element)
        let values = format.values.prefix(element.bitWidth < 8 ? 16 : 256).filter(\.isFinite)
        for _ in 0..<20 {
            let scale = Double(sign: .plus, exponent: random.below(40) - 20, significand: 1)
            let value = element == .float8e8m0 ? scale * (1 + random.uniform()) : scale * random.normal()
            guard abs(value) <= format.maximum else { continue }

            let chosen = format.values[Int(format.bits(of: value, saturating: false))]

            // A power of two rounds by the exponent: from 1.5 times a power on, the next one.
            let error = element == .float8e8m0 ? 0.5 * chosen : values.map { abs($0 - value) }.min() ?? 0
            #expect(abs(chosen - value) <= error, "\(value) became \(chosen)")
        }
    }

    /// A value, and its patterns without and with saturation.
    struct Rounding: Sendable, CustomStringConvertible {
        var element: ElementType
        var value: Double
        var plain: UInt8
        var saturated: UInt8
        var description: String { "\(value) as \(element)" }

        init(_ element: ElementType, _ value: Double, _ plain: UInt8, _ saturated: UInt8? = nil) {
            self.element = element
            self.value = value
            self.plain = plain
            self.saturated = saturated ?? plain
        }
    }

    @Test(arguments: roundings) func `values become the patterns of ONNX's tables`(rounding: Rounding) {
        let format = SmallFloatFormat(rounding.element)

        #expect(format.bits(of: rounding.value, saturating: false) == rounding.plain)
        #expect(format.bits(of: rounding.value, saturating: true) == rounding.saturated)
    }

    static let roundings = [
        // 1 is 0 0111 000, and the next values are 1.125 and 1.25.
        Rounding(.float8e4m3fn, 1, 0x38), Rounding(.float8e4m3fn, 1.0625, 0x38),
        Rounding(.float8e4m3fn, 1.1875, 0x3A), Rounding(.float8e4m3fn, -1.1875, 0xBA),
        // The largest is 448, and 464 lies between it and 480, which is NaN.
        Rounding(.float8e4m3fn, 448, 0x7E), Rounding(.float8e4m3fn, 464, 0x7E),
        Rounding(.float8e4m3fn, 465, 0x7F, 0x7E), Rounding(.float8e4m3fn, -.infinity, 0xFF, 0xFE),
        Rounding(.float8e4m3fn, .nan, 0x7F), Rounding(.float8e4m3fn, -.nan, 0xFF),
        Rounding(.float8e4m3fn, -0.0, 0x80), Rounding(.float8e4m3fn, 0x1p-10, 0),
        Rounding(.float8e4m3fn, 0x1.8p-10, 1),
        // No negative zero, and one NaN in its place.
        Rounding(.float8e4m3fnuz, 1, 0x40), Rounding(.float8e4m3fnuz, -0.0, 0),
        Rounding(.float8e4m3fnuz, -0x1p-20, 0), Rounding(.float8e4m3fnuz, -.nan, 0x80),
        Rounding(.float8e4m3fnuz, 240, 0x7F), Rounding(.float8e4m3fnuz, 1000, 0x80, 0x7F),
        Rounding(.float8e4m3fnuz, -1000, 0x80, 0xFF),
        // As IEEE 754 has it: 61440 lies between 57344 and 65536, whose pattern is even.
        Rounding(.float8e5m2, 57344, 0x7B), Rounding(.float8e5m2, 61439, 0x7B),
        Rounding(.float8e5m2, 61440, 0x7C, 0x7B), Rounding(.float8e5m2, -.infinity, 0xFC, 0xFB),
        Rounding(.float8e5m2, .nan, 0x7E), Rounding(.float8e5m2, 1.125, 0x3C),
        Rounding(.float8e5m2fnuz, 1, 0x40), Rounding(.float8e5m2fnuz, .infinity, 0x80, 0x7F),
        // 0, 0.5, 1, 1.5, 2, 3, 4, 6.
        Rounding(.float4e2m1, 0.25, 0), Rounding(.float4e2m1, 0.75, 2), Rounding(.float4e2m1, 2.5, 4),
        Rounding(.float4e2m1, 5, 6), Rounding(.float4e2m1, -7, 15), Rounding(.float4e2m1, .infinity, 7),
        Rounding(.float4e2m1, .nan, 8),
        // 1 is 127. There is no zero, and nothing negative.
        Rounding(.float8e8m0, 1, 127), Rounding(.float8e8m0, 1.49, 127), Rounding(.float8e8m0, 1.5, 128),
        Rounding(.float8e8m0, 0, 255, 0), Rounding(.float8e8m0, -1, 255), Rounding(.float8e8m0, .nan, 255),
        Rounding(.float8e8m0, .infinity, 255, 254), Rounding(.float8e8m0, 0x1.8p127, 255, 254),
        Rounding(.float8e8m0, 0x1p-130, 255, 0),
    ]

    @Test(
        arguments: zip(
            ScaleRounding.allCases, [[0, 126, 127, 128], [0, 125, 127, 127], [0, 125, 127, 128]]))
    func `a scale is rounded as its mode says`(mode: ScaleRounding, patterns: [UInt8]) {
        let format = SmallFloatFormat(.float8e8m0)

        let found = [0, 0.3, 1, 1.5].map { format.bits(of: $0, saturating: true, rounding: mode) }

        #expect(found == patterns)
    }

    /// Beside 1 + 1/256, which lies between the bfloat16 values 1 and 1 + 1/128.
    @Test func `a double becomes a bfloat16 with one rounding`() {
        let middle = 1 + 0x1p-8
        let tensor = HostTensor(
            TensorType(.bfloat16, [4]),
            doubles: [middle, middle + 0x1p-40, middle - 0x1p-40, -middle - 0x1p-40])

        #expect(tensor.doubles == [1, 1 + 0x1p-7, 1, -1 - 0x1p-7])
    }
}
