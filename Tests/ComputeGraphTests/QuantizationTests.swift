import ComputeGraph
import Essentials
import TestSupport
import Testing

private func w(_ element: ElementType, _ shape: Shape, _ values: Int128...) -> HostTensor {
    HostTensor(TensorType(element, shape), wrapping: values)
}
private func one(_ value: Float) -> HostTensor { .scalar(value) }

/// Operators that go to narrow types, compute there, and come back.
extension OperatorExampleTests {
    static let quantization = [
        Example(BitCast(to: .int32), [t([2], 1, 0)], w(.int32, [2], 0x3F80_0000, 0)),
        // 5 / 2 is 2.5, to the even neighbour 2; 130 and -200 are held at the bounds.
        Example(
            QuantizeLinear(output: .int8), [t([4], 5, 7, 300, -300), one(2), w(.int8, [], 1)],
            w(.int8, [4], 3, 5, 127, -128)),
        Example(
            QuantizeLinear(output: .uint4, axis: 1, blockSize: 2), [t([1, 3], 4, 8, 90), t([1, 2], 2, 3)],
            w(.uint4, [1, 3], 2, 4, 15)),
        Example(
            DequantizeLinear(axis: 0), [w(.uint8, [2, 2], 3, 5, 7, 9), t([2], 2, 10), w(.uint8, [2], 3, 8)],
            t([2, 2], 0, 4, -10, 10)),
        // The range -1 to 4 has steps of 5 / 255, and 0 is the 51st.
        Example(
            DynamicQuantizeLinear(), [t([3], 4, -1, 0)], w(.uint8, [3], 255, 0, 51), one(5.0 / 255),
            w(.uint8, [], 51)),
        Example(
            MatMulInteger(), [w(.uint8, [1, 2], 3, 4), w(.int8, [2, 1], -1, 2), w(.uint8, [], 1)],
            w(.int32, [1, 1], 4)),
        // (3 - 1) * 5 + (4 - 1) * 6 = 28, times 0.5 * 1 / 2, plus 3.
        Example(
            QLinearMatMul(),
            [
                w(.uint8, [1, 2], 3, 4), one(0.5), w(.uint8, [], 1), w(.uint8, [2, 1], 5, 6), one(1),
                w(.uint8, [], 0), one(2), w(.uint8, [], 3),
            ], w(.uint8, [1, 1], 10)),
        // Padding is the zero point, so that a corner sees its four elements only: 4 * (1 + 2 + 3 + 4 - 4).
        Example(
            ConvInteger(Conv(pads: [1, 1, 0, 0])),
            [w(.uint8, [1, 1, 2, 2], 1, 2, 3, 4), w(.int8, [1, 1, 2, 2], 4, 4, 4, 4), w(.uint8, [], 1)],
            w(.int32, [1, 1, 2, 2], 0, 4, 8, 24)),
        Example(
            QLinearConv(),
            [
                w(.uint8, [1, 1, 1, 2], 10, 20), one(1), w(.uint8, [], 0), w(.int8, [2, 1, 1, 1], 1, 2),
                t([2], 1, 0.5), w(.int8, [2], 0, 0), one(10), w(.uint8, [], 0), w(.int32, [2], 5, 100),
            ], w(.uint8, [1, 2, 1, 2], 2, 2, 6, 7)),
    ]
}

extension ShapeRuleTests {
    private static func b(_ element: ElementType, _ extents: Int...) -> TensorType {
        TensorType(element, Shape(extents))
    }

    /// Casts, and operators on narrow types.
    static let quantization = [
        Refusal(Cast(to: .complex64), [b(.float32, 2)], "complex"),
        Refusal(Cast(to: .int32), [b(.string, 2)], "strings are read"),
        Refusal(BitCast(to: .int64), [b(.float32, 2)], "32 bits"),
        Refusal(BitCast(to: .string), [b(.float32, 2)], "no bits"),
        Refusal(QuantizeLinear(output: .float32), [b(.float32, 2), b(.float32)], "to float32"),
        Refusal(QuantizeLinear(output: .int8), [b(.float32, 2, 3), b(.float32, 2)], "one for each index"),
        Refusal(
            QuantizeLinear(output: .int8, axis: 2), [b(.float32, 2, 3), b(.float32, 3)], "axis 2 is not in"),
        Refusal(
            QuantizeLinear(output: .int8, axis: 0, blockSize: 2), [b(.float32, 3, 3), b(.float32, 1, 3)],
            "have [2x3] scales"),
        Refusal(DequantizeLinear(), [b(.float32, 2), b(.float32)], "does not take"),
        Refusal(DequantizeLinear(), [b(.int8, 2), b(.float32), b(.uint8)], "the zero point is int8"),
        Refusal(DynamicQuantizeLinear(), [b(.float16, 2)], "quantizes float32"),
        Refusal(MatMulInteger(), [b(.int16, 2, 2), b(.int8, 2, 2)], "int8 or uint8"),
        Refusal(MatMulInteger(), [b(.int8, 2, 2), b(.int8, 2, 2), b(.uint8)], "the zero point of"),
        Refusal(MatMulInteger(), [b(.int8, 2, 2), b(.int8, 2, 2), b(.int8, 3)], "one for each row"),
        Refusal(QLinearMatMul(), [b(.int8, 2, 2)], "takes 8 inputs"),
        Refusal(
            ConvInteger(), [b(.int8, 1, 1, 2, 2), b(.int8, 3, 1, 1, 1), b(.int8), b(.int8, 2)],
            "each of the 3 filters"),
        Refusal(
            QLinearConv(),
            [
                b(.int8, 1, 1, 2, 2), b(.float32), b(.int8), b(.int8, 3, 1, 1, 1), b(.float32), b(.int8),
                b(.float32), b(.int8), b(.int32, 2),
            ], "the bias has the shape [3]"),
    ]
}

@Suite("Quantization")
struct QuantizationTests {
    /// 64 * 255 * 127 = 2 072 640.
    @Test func `the sum of the largest products is exact`() throws {
        let left = HostTensor(TensorType(.uint8, [1, 64]), wrapping: [Int128](repeating: 255, count: 64))
        let right = HostTensor(TensorType(.int8, [64, 1]), wrapping: [Int128](repeating: 127, count: 64))

        #expect(try MatMulInteger.called(left, right)[0].wholes == [2_072_640])
        let vector = left.reshaped(to: [64])
        #expect(try MatMulInteger.called(vector, right.reshaped(to: [64]))[0].type == TensorType(.int32, []))
    }

    @Test(arguments: propertySeeds)
    func `products of integers are exact under zero points by row and column`(seed: UInt64) throws {
        var random = SeededGenerator(seed: seed, purpose: "integer products")
        let (rows, terms, columns) = (random.extent(), 1 + random.below(40), random.extent())
        let left = (0..<rows * terms).map { _ in Int128(random.below(256)) }
        let right = (0..<terms * columns).map { _ in Int128(random.below(256) - 128) }
        let leftZeros = (0..<rows).map { _ in Int128(random.below(256)) }
        let rightZeros = (0..<columns).map { _ in Int128(random.below(256) - 128) }

        let found = MatMulInteger().reference([
            HostTensor(TensorType(.uint8, [rows, terms]), wrapping: left),
            HostTensor(TensorType(.int8, [terms, columns]), wrapping: right),
            HostTensor(TensorType(.uint8, [rows]), wrapping: leftZeros),
            HostTensor(TensorType(.int8, [columns]), wrapping: rightZeros),
        ])[0]

        for row in 0..<rows {
            for column in 0..<columns {
                let sum = (0..<terms).reduce(Int128(0)) { sum, term in
                    sum + (left[row * terms + term] - leftZeros[row])
                        * (right[term * columns + column] - rightZeros[column])
                }
                #expect(found.wholes[row * columns + column] == sum)
            }
        }
    }

    @Test(
        arguments: [ElementType.uint8, .int8, .int16, .uint16, .int4, .uint4, .int2, .uint2], propertySeeds)
    func `what comes back is half a step away at most`(element: ElementType, seed: UInt64) throws {
        var random = SeededGenerator(seed: seed, purpose: "quantize \(element)")
        let scale = Float(0.01 + random.uniform())
        let bounds = element.kind == .signed ? -(1 << (element.bitWidth - 1)) : 0
        let values = (0..<20).map { _ in
            scale * (Float(bounds) + Float(random.uniform()) * Float((1 << element.bitWidth) - 1))
        }
        let tensor = HostTensor(.float32(20), floats: values)

        let quantized = QuantizeLinear(output: element).reference([tensor, .scalar(scale)])[0]
        let back = DequantizeLinear().reference([quantized, .scalar(scale)])[0].floats

        for (value, found) in zip(values, back) {
            // A value of many steps is itself rounded, and so is what comes back.
            #expect(abs(value - found) <= 0.5 * scale * 1.0001 + abs(value) * 0x1p-22)
        }
    }

    /// In bfloat16, 1.0504 is 1.046875 and 0.3 is 0.30078125, and their quotient is below 3.5.
    @Test func `the precision of the division is that of the attribute`() {
        let inputs = [HostTensor(.float32(1), floats: [1.0504]), HostTensor.scalar(0.3)]

        #expect(QuantizeLinear(output: .uint8).reference(inputs)[0].wholes == [4])
        #expect(QuantizeLinear(output: .uint8, precision: .bfloat16).reference(inputs)[0].wholes == [3])
    }

    @Test func `types and shapes that do not fit are refused`() {
        let x = HostTensor(.float32(2, 3), floats: [1, 2, 3, 4, 5, 6])
        let three = HostTensor(.float32(3), floats: [1, 1, 1])
        #expect(throws: GraphError.self) {
            try QuantizeLinear.called(x, three, attributes: ["axis": .int(0)])
        }
        #expect(throws: GraphError.self) {
            try QuantizeLinear.called(x, three, attributes: ["axis": .int(9)])
        }
        #expect(throws: GraphError.self) {
            try QuantizeLinear.called(x, three, attributes: ["block_size": .int(-1)])
        }
        #expect(throws: GraphError.self) {
            try QuantizeLinear.called(x, .scalar(1), attributes: ["output_dtype": .int(1)])
        }
        #expect(throws: GraphError.self) {
            try QuantizeLinear.called(x, .scalar(1), attributes: ["output_dtype": .int(99)])
        }
        #expect(throws: GraphError.self) {
            try QuantizeLinear.called(
                x, .scalar(1), w(.int8, [], 0), attributes: ["output_dtype": .int(2)])
        }
    }

    @Test func `a tensor of zeros, of nothing and of NaN can be quantized`() {
        let zeros = DynamicQuantizeLinear().reference([HostTensor(.float32(2), floats: [0, 0])])
        #expect(zeros[0].wholes == [0, 0] && zeros[1].floats == [1])
        #expect(DynamicQuantizeLinear().reference([HostTensor(.float32(0), floats: [])])[0].wholes == [])
        let strange = HostTensor(.float32(3), floats: [.nan, .infinity, -.infinity])
        #expect(DynamicQuantizeLinear().reference([strange])[0].type == TensorType(.uint8, [3]))
    }
}
