import ComputeGraph
import Essentials
import TestSupport
import Testing

private func f(_ values: Float...) -> HostTensor { HostTensor(.float32(values.count), floats: values) }
private func n(_ values: Int64...) -> HostTensor { HostTensor(.int64(values.count), integers: values) }

@Suite("Conversions between element types")
struct CastTests {
    private func cast(_ tensor: HostTensor, to: ElementType) -> HostTensor {
        Cast(to: to).reference([tensor])[0]
    }

    @Test func `integers keep their low bits`() {
        #expect(cast(n(200, -1, 1 << 40), to: .int8).wholes == [-56, -1, 0])
        #expect(cast(n(.max, -1), to: .uint64).wholes == [Int128(Int64.max), Int128(UInt64.max)])
        #expect(cast(n(9, -9, 3), to: .int4).wholes == [-7, 7, 3])
        #expect(cast(n(0, 5), to: .bool).wholes == [0, 1])
    }

    @Test func `floats are cut, and held inside the range from 8 bits on`() {
        #expect(cast(f(1.9, -1.9, 300, .nan, .infinity), to: .int8).wholes == [1, -1, 127, 0, 127])
        #expect(cast(f(-9, 8, 1.9), to: .int4).wholes == [7, -8, 1])
        #expect(cast(f(-1, 4), to: .uint2).wholes == [3, 0])
        #expect(cast(f(0, -0.5, .nan), to: .bool).wholes == [0, 1, 1])
    }

    /// 2^53 + 2^29 + 1 lies just above the middle of two neighbours in float32, and no double holds it.
    @Test func `a wide integer becomes a float32 with one rounding`() {
        let whole = Int64(1) << 53 + Int64(1) << 29 + 1
        #expect(cast(n(whole, -whole, 3), to: .float32).floats == [Float(whole), -Float(whole), 3])
    }

    @Test(arguments: propertySeeds)
    func `any integer becomes the float32 that Swift makes of it`(seed: UInt64) {
        var random = SeededGenerator(seed: seed, purpose: "integers")
        let wholes = (0..<50).map { _ in Int64(bitPattern: random.next()) >> Int64(random.below(63)) }

        let tensor = HostTensor(.int64(wholes.count), integers: wholes)

        #expect(cast(tensor, to: .float32).floats == wholes.map { Float($0) })
        #expect(cast(tensor, to: .float64).doubles == wholes.map { Double($0) })
    }

    @Test func `numbers are written as Python writes them`() {
        let wide = HostTensor(
            TensorType(.float64, [8]), doubles: [1e16, 1e15, 1e-5, 0.0001, -0.0, 123.5, 1.5e300, 1e100])
        #expect(
            cast(wide, to: .string).strings == [
                "1e+16", "1000000000000000.0", "1e-05", "0.0001", "-0.0", "123.5", "1.5e+300", "1e+100",
            ])
        let narrow = f(0.1, 1e8, 16_777_216, 3, .nan, -.infinity)
        #expect(
            cast(narrow, to: .string).strings == ["0.1", "100000000.0", "16777216.0", "3.0", "nan", "-inf"])
        #expect(cast(n(-7, 0), to: .string).strings == ["-7", "0"])
    }

    @Test func `strings are read as ONNX says`() throws {
        let numbers = texts("3.14", "1e-5", "1E8", "+INF", "-inf", " NaN ", "1.")
        let read = try Cast.called(numbers, attributes: ["to": .int(1)])[0].floats
        #expect(Array(read.prefix(5)) == [3.14, 1e-5, 1e8, .infinity, -.infinity])
        #expect(read[5].isNaN && read[6] == 1)
        // 2^63 - 1 is no double.
        let wholes = try Cast.called(
            texts("9223372036854775807", "100.5", "-7"), attributes: ["to": .int(7)])
        #expect(wholes[0].integers == [.max, 100, -7])
        #expect(try Cast.called(texts("True", "0"), attributes: ["to": .int(9)])[0].wholes == [1, 0])
    }

    @Test(arguments: ["Hello", "", "0x10", "1e", "300", "--1"])
    func `text that is no number of the type is refused`(text: String) {
        #expect(throws: GraphError.self) { try Cast.called(texts(text), attributes: ["to": .int(3)]) }
    }

    @Test func `the first version names its type`() throws {
        let found = try Cast.called(f(1.5), version: 1, attributes: ["to": .string("INT32")])
        #expect(found[0].type == TensorType(.int32, [1]))
        #expect(throws: GraphError.self) {
            try Cast.called(f(1), version: 1, attributes: ["to": .string("LONG")])
        }
    }

    @Test func `bits are kept when they are read as another type`() throws {
        #expect(
            try BitCast.called(f(1, -2), attributes: ["to": .int(6)])[0].wholes == [
                0x3F80_0000, -0x4000_0000,
            ])
        let narrow = HostTensor(TensorType(.uint4, [2]), wrapping: [15, 7])
        #expect(BitCast(to: .int4).reference([narrow])[0].wholes == [-1, 7])
        #expect(BitCast(to: .float4e2m1).reference([narrow])[0].doubles == [-6, 6])
        #expect(throws: GraphError.self) { try BitCast.called(f(1), attributes: ["to": .int(7)]) }
    }
}
