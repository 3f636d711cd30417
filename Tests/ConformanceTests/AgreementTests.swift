import ComputeGraph
import Conformance
import Essentials
import ONNXImport
import TestSupport
import Testing

private func someCase(_ name: String = "test_x", tolerance: Tolerance? = nil) -> ConformanceCase {
    ConformanceCase(name: name, group: .node, model: "m", data: .folders([]), tolerance: tolerance)
}

private func agreement(
    _ found: HostValue, _ expected: HostValue, in given: ConformanceCase = someCase()
) -> Agreement {
    var agreement = Agreement(for: given)
    agreement.compare(found, with: expected, name: "y")
    return agreement
}

private func floats(_ values: Float...) -> HostValue {
    .tensor(HostTensor(.float32(values.count), floats: values))
}

private func tensor(_ element: ElementType, _ values: Double...) -> HostValue {
    .tensor(HostTensor(TensorType(element, [values.count]), doubles: values))
}

@Suite("Agreement of outputs")
struct AgreementTests {
    @Test func `each rule has its own room around zero`() {
        let found = agreement(floats(0, 1), floats(5e-6, 1))

        #expect(found.problems[.standard] == nil)
        #expect(found.problems[.strict] == "y[0] is 0.0, and should be 4.999999873689376e-06")
    }

    @Test func `a thousandth is near enough, and more is not`() {
        #expect(agreement(floats(1000.9), floats(1000)).problems.isEmpty)
        #expect(agreement(floats(1001.1), floats(1000)).problems.count == 2)
    }

    @Test func `the first difference is told by its place, and how many there are`() throws {
        let found = HostTensor(.float32(2, 3), floats: [1, 2, 3, 4, 5, 6])
        let expected = HostTensor(.float32(2, 3), floats: [1, 2, 3, 4, 7, 8])

        let agreement = agreement(.tensor(found), .tensor(expected))

        #expect(
            agreement.problems[.strict] == "y[1, 1] is 5.0, and should be 7.0; 2 of 6 elements differ")
    }

    @Test func `NaN agrees with NaN and infinity with itself`() {
        #expect(
            agreement(floats(.nan, .infinity, -.infinity), floats(.nan, .infinity, -.infinity))
                .problems.isEmpty)
        #expect(agreement(floats(.nan), floats(1)).problems.count == 2)
        #expect(agreement(floats(1), floats(.nan)).problems.count == 2)
        #expect(agreement(floats(1e38), floats(.infinity)).problems.count == 2)
        #expect(agreement(floats(.infinity), floats(-.infinity)).problems.count == 2)
    }

    @Test func `shape and element type must be the same`() {
        let row = HostValue.tensor(HostTensor(.float32(1, 2), floats: [1, 2]))

        #expect(
            agreement(row, floats(1, 2)).problems[.standard]
                == "y is float32[1x2], and should be float32[2]")
        #expect(agreement(tensor(.float64, 1, 2), floats(1, 2)).problems.count == 2)
    }

    @Test(arguments: [ElementType.int8, .uint64, .bool, .int4, .float8e4m3fn, .float4e2m1])
    func `what is no large float must be equal`(element: ElementType) {
        #expect(agreement(tensor(element, 1, 0), tensor(element, 1, 0)).problems.isEmpty)
        #expect(agreement(tensor(element, 1, 1), tensor(element, 1, 0)).problems.count == 2)
    }

    @Test func `small floats agree in their NaN whatever its bits`() {
        func pattern(_ bits: UInt8) -> HostValue {
            var tensor = HostTensor(zeros: TensorType(.float8e5m2, [1]))
            tensor.withMutableElements(UInt8.self) { $0[0] = bits }
            return .tensor(tensor)
        }

        #expect(agreement(pattern(0x7D), pattern(0x7E)).problems.isEmpty)
        #expect(agreement(pattern(0x7D), pattern(0x7C)).problems.count == 2)
    }

    @Test func `strings must be equal`() {
        func strings(_ texts: String...) -> HostValue {
            .tensor(HostTensor(TensorType(.string, [texts.count]), strings: texts))
        }

        #expect(agreement(strings("a", "é"), strings("a", "é")).problems.isEmpty)
        #expect(
            agreement(strings("a", "b"), strings("a", "c")).problems[.strict]
                == "y[1] is b, and should be c")
    }

    @Test func `complex numbers are near by their distance`() {
        func complex(_ real: Float, _ imaginary: Float) -> HostValue {
            var tensor = HostTensor(zeros: TensorType(.complex64, [1]))
            let bits = UInt64(imaginary.bitPattern) << 32 | UInt64(real.bitPattern)
            tensor.withMutableElements(UInt64.self) { $0[0] = bits }
            return .tensor(tensor)
        }

        #expect(agreement(complex(1000, 0.5), complex(1000, 0)).problems.isEmpty)
        #expect(
            agreement(complex(1, 0.5), complex(1, 0)).problems[.strict]
                == "y[0] is (1.0, 0.5), and should be (1.0, 0.0)")
    }

    @Test func `sequences agree element by element`() {
        func sequence(_ values: HostValue...) -> HostValue {
            .sequence(values, of: .tensor(.float32, shape: nil))
        }

        #expect(agreement(sequence(floats(1), floats(2)), sequence(floats(1), floats(2))).problems.isEmpty)
        #expect(
            agreement(sequence(floats(1)), sequence(floats(1), floats(2))).problems[.strict]
                == "y has 1 elements, and should have 2")
        #expect(
            agreement(sequence(floats(1), floats(2)), sequence(floats(1), floats(3))).problems[.strict]
                == "y[1][0] is 2.0, and should be 3.0")
        #expect(
            agreement(floats(1), sequence(floats(1))).problems[.strict]
                == "y is a tensor, and should be a sequence")
    }

    @Test func `an optional with a value is as good as the value, and an empty one is not`() {
        let type = ValueType.tensor(.float32, shape: nil)

        #expect(agreement(.optional(floats(1), of: type), floats(1)).problems.isEmpty)
        #expect(agreement(floats(1), .optional(floats(1), of: type)).problems.isEmpty)
        #expect(agreement(.optional(nil, of: type), .optional(nil, of: type)).problems.isEmpty)
        #expect(agreement(.optional(nil, of: type), floats(1)).problems.count == 2)
    }

    @Test func `a cast has one right answer`() {
        let near = agreement(floats(1.000_000_1), floats(1), in: someCase("test_cast_DOUBLE_to_FLOAT"))

        #expect(near.problems.count == 2)
        #expect(near.worstSteps == 1)
    }

    @Test func `what the case itself allows counts`() {
        let wide = someCase(tolerance: Tolerance(relative: 0.1, absolute: 0))

        #expect(agreement(floats(1.05), floats(1), in: wide).problems.isEmpty)
        #expect(agreement(floats(1.2), floats(1), in: wide).problems.count == 2)
    }

    @Test(arguments: propertySeeds)
    func `steps count the floats between`(seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        let expected = Float(random.normal() * 1e-3)
        let steps = random.below(50)
        var found = expected
        for _ in 0..<steps { found = seed % 2 == 0 ? found.nextUp : found.nextDown }

        #expect(agreement(floats(found), floats(expected)).worstSteps == UInt64(steps))
    }

    @Test func `the error is that of the worst output`() {
        var agreement = Agreement(for: someCase())
        agreement.compare(floats(1, 2), with: floats(1, 2), name: "a")
        agreement.compare(floats(3, 4.5), with: floats(3, 4), name: "b")
        agreement.compare(floats(1), with: floats(0), name: "c")

        #expect(agreement.worstError == .greatestFiniteMagnitude)
        #expect(abs(self.error(floats(3, 4.5), floats(3, 4)) - 0.01) < 1e-12)
    }

    private func error(_ found: HostValue, _ expected: HostValue) -> Double {
        agreement(found, expected).worstError
    }
}
