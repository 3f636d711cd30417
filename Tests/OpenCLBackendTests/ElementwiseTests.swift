import CHengAccelerator
import Essentials
import Foundation
import TestSupport
import Testing

private let seeds: [UInt64] = Array(0..<20)

/// Shapes of up to four axes, now and then with an axis of 0 or 1 element, or with no axis at all.
func randomDims(_ generator: inout SeededGenerator, rank: ClosedRange<Int> = 0...4, most: Int = 6) -> [Int] {
    (0..<Int.random(in: rank, using: &generator)).map { _ in
        generator.below(30) == 0 ? 0 : 1 + generator.below(most)
    }
}

@Suite(.enabled(if: TestDevice.isThere, TestDevice.reason)) struct ElementwiseTests {
    struct Unary: Sendable {
        var name: String
        var low = -3.0
        var high = 3.0
        var attributes: [(String, TestAttribute)] = []
        var function: @Sendable (Double) -> Double
    }

    static let unary: [Unary] = [
        Unary(name: "Relu") { max($0, 0) },
        Unary(name: "LeakyRelu", attributes: [("alpha", .real(0.3))]) { $0 < 0 ? 0.3 * $0 : $0 },
        Unary(name: "Sigmoid") { 1 / (1 + exp(-$0)) }, Unary(name: "Tanh") { tanh($0) },
        Unary(name: "Exp") { exp($0) }, Unary(name: "Log", low: 0.01) { log($0) },
        Unary(name: "Sqrt", low: 0) { $0.squareRoot() }, Unary(name: "Abs") { abs($0) },
        Unary(name: "Neg") { -$0 }, Unary(name: "Erf") { erf($0) },
        Unary(name: "Gelu") { 0.5 * $0 * (1 + erf($0 / 2.0.squareRoot())) },
        Unary(name: "Gelu", attributes: [("approximate", .text("tanh"))]) {
            0.5 * $0 * (1 + tanh((2 / Double.pi).squareRoot() * ($0 + 0.044715 * $0 * $0 * $0)))
        },
        Unary(name: "Elu", attributes: [("alpha", .real(2))]) { $0 < 0 ? 2 * (exp($0) - 1) : $0 },
        Unary(name: "Selu") {
            $0 > 0
                ? 1.05070102214813232421875 * $0
                : 1.05070102214813232421875 * 1.67326319217681884765625 * (exp($0) - 1)
        },
        Unary(name: "Celu", attributes: [("alpha", .real(0.5))]) {
            max($0, 0) + min(0, 0.5 * (exp($0 / 0.5) - 1))
        },
        Unary(name: "Softplus") { log(1 + exp($0)) }, Unary(name: "Softsign") { $0 / (1 + abs($0)) },
        Unary(name: "HardSigmoid") { max(0, min(1, 0.2 * $0 + 0.5)) },
        Unary(name: "HardSwish") { $0 * max(0, min(1, $0 / 6 + 0.5)) },
        Unary(name: "Mish") { $0 * tanh(log(1 + exp($0))) },
        Unary(name: "ThresholdedRelu") { $0 > 1 ? $0 : 0 },
        Unary(name: "Shrink", attributes: [("lambd", .real(1)), ("bias", .real(0.5))]) {
            $0 < -1 ? $0 + 0.5 : $0 > 1 ? $0 - 0.5 : 0
        },
        Unary(name: "Floor") { $0.rounded(.down) }, Unary(name: "Ceil") { $0.rounded(.up) },
        Unary(name: "Round") { $0.rounded(.toNearestOrEven) },
        Unary(name: "Sign") { $0 > 0 ? 1 : $0 < 0 ? -1 : 0 }, Unary(name: "Reciprocal", low: 0.1) { 1 / $0 },
        Unary(name: "Sin") { sin($0) }, Unary(name: "Cos") { cos($0) },
        Unary(name: "Tan", low: -1, high: 1) { tan($0) },
        Unary(name: "Asin", low: -1, high: 1) { asin($0) },
        Unary(name: "Acos", low: -1, high: 1) { acos($0) },
        Unary(name: "Atan") { atan($0) }, Unary(name: "Sinh") { sinh($0) }, Unary(name: "Cosh") { cosh($0) },
        Unary(name: "Asinh") { asinh($0) }, Unary(name: "Acosh", low: 1) { acosh($0) },
        Unary(name: "Atanh", low: -0.9, high: 0.9) { atanh($0) },
    ]

    @Test(arguments: unary.indices) func `Operators on one element are what a loop computes`(_ index: Int)
        throws
    {
        let form = Self.unary[index]
        let harness = try Harness()
        for seed in seeds.prefix(6) {
            var generator = SeededGenerator(seed: seed)
            let x = Numbers.random(randomDims(&generator), &generator, from: form.low, to: form.high)
            let y = try harness.run(form.name, [x], form.attributes)[0]
            #expect(y.dims == x.dims)
            let problem = difference(y.values, x.values.map(form.function))
            #expect(problem == nil, "\(form.name), seed \(seed): \(problem ?? "")")
        }
    }

    @Test(arguments: [10, 16, 11] as [Int32])
    func `Other real types are computed with too`(_ type: Int32) throws {
        let harness = try Harness()
        var generator = SeededGenerator(seed: 5)
        let x = Numbers.random([3, 7], &generator, type: type)
        let y = try harness.run("Tanh", [x])[0]
        #expect(y.type == type)
        #expect(difference(y.values, x.values.map { tanh($0) }, relative: type == 11 ? 1e-12 : 8e-3) == nil)
        let sum = try harness.run("Add", [x, x])[0]
        #expect(difference(sum.values, x.values.map { 2 * $0 }, relative: 1e-2) == nil)
    }

    @Test func `What is not a number stays so, and infinities are kept apart`() throws {
        let harness = try Harness()
        let x = Numbers(dims: [5], values: [.nan, .infinity, -.infinity, 0, -1])
        #expect(try harness.run("Relu", [x])[0].values[0].isNaN)
        #expect(try harness.run("IsNaN", [x])[0].values == [1, 0, 0, 0, 0])
        #expect(try harness.run("IsInf", [x])[0].values == [0, 1, 1, 0, 0])
        #expect(try harness.run("IsInf", [x], [("detect_negative", .int(0))])[0].values == [0, 1, 0, 0, 0])
        #expect(try harness.run("ReduceMax", [x])[0].values[0].isNaN)
    }

    struct Binary: Sendable {
        var name: String
        var types: [Int32] = [1, 6, 7, 2]
        var result: Int32?
        var low = -4.0
        var function: @Sendable (Double, Double) -> Double
    }

    static let binary: [Binary] = [
        Binary(name: "Add") { $0 + $1 }, Binary(name: "Sub", types: [1, 6, 7]) { $0 - $1 },
        Binary(name: "Mul", types: [1, 6, 7]) { $0 * $1 },
        Binary(name: "Div", types: [1], low: 0.5) { $0 / $1 },
        Binary(name: "Pow", types: [1], low: 0.1) { pow($0, $1) },
        Binary(name: "PRelu", types: [1]) { $0 < 0 ? $0 * $1 : $0 },
        Binary(name: "Equal", result: 9) { $0 == $1 ? 1 : 0 },
        Binary(name: "Less", result: 9) { $0 < $1 ? 1 : 0 },
        Binary(name: "LessOrEqual", result: 9) { $0 <= $1 ? 1 : 0 },
        Binary(name: "Greater", result: 9) { $0 > $1 ? 1 : 0 },
        Binary(name: "GreaterOrEqual", result: 9) { $0 >= $1 ? 1 : 0 },
        Binary(name: "And", types: [9], result: 9) { $0 != 0 && $1 != 0 ? 1 : 0 },
        Binary(name: "Or", types: [9], result: 9) { $0 != 0 || $1 != 0 ? 1 : 0 },
        Binary(name: "Xor", types: [9], result: 9) { ($0 != 0) != ($1 != 0) ? 1 : 0 },
        Binary(name: "Max") { max($0, $1) }, Binary(name: "Min") { min($0, $1) },
        Binary(name: "BitwiseAnd", types: [6]) { Double(Int($0) & Int($1)) },
        Binary(name: "BitwiseXor", types: [2, 6]) { Double(Int($0) ^ Int($1)) },
    ]

    @Test(arguments: binary.indices) func `Operators on pairs repeat the smaller one`(_ index: Int) throws {
        let form = Self.binary[index]
        let harness = try Harness()
        for seed in seeds.prefix(10) {
            var generator = SeededGenerator(seed: seed)
            let type = generator.pick(form.types)
            let low = [2, 9].contains(type) ? 0 : form.low
            let dims = randomDims(&generator)
            var other = Array(dims.dropFirst(form.name == "PRelu" ? 0 : generator.below(dims.count + 1)))
            for axis in other.indices where generator.below(3) == 0 { other[axis] = 1 }
            let a = Numbers.random(dims, &generator, type: type, from: low, to: 4)
            let b = Numbers.random(other, &generator, type: type, from: low, to: 4)
            let turned = form.name != "PRelu" && generator.below(2) == 0
            let y = try harness.run(form.name, turned ? [b, a] : [a, b])[0]
            #expect(y.dims == dims)
            #expect(y.type == form.result ?? type)
            let expected = indices(of: dims).map { at in
                let (p, q) = (repeated(a, at: at), repeated(b, at: at))
                return turned ? form.function(q, p) : form.function(p, q)
            }
            let problem = difference(y.values, expected)
            #expect(problem == nil, "\(form.name), seed \(seed): \(problem ?? "")")
        }
    }

    @Test func `Both sides are repeated where each has an axis of one`() throws {
        let harness = try Harness()
        let a = Numbers(dims: [2, 1, 3], values: (0..<6).map(Double.init))
        let b = Numbers(dims: [4, 1], values: [10, 20, 30, 40])
        let y = try harness.run("Add", [a, b])[0]
        #expect(y.dims == [2, 4, 3])
        #expect(y.values == indices(of: [2, 4, 3]).map { repeated(a, at: $0) + repeated(b, at: $0) })
    }

    @Test func `Remainders follow the divisor, or the dividend with fmod`() throws {
        let harness = try Harness()
        let a = Numbers(type: 6, dims: [6], values: [-4, 7, 5, 4, -7, 8])
        let b = Numbers(type: 6, dims: [6], values: [2, -3, 8, -2, 3, 5])
        #expect(try harness.run("Mod", [a, b])[0].values == [0, -2, 5, 0, 2, 3])
        #expect(try harness.run("Mod", [a, b], [("fmod", .int(1))])[0].values == [0, 1, 5, 0, -1, 3])
    }

    @Test func `Clip takes its limits as inputs, and as attributes before version 11`() throws {
        let harness = try Harness()
        let x = Numbers(dims: [4], values: [-5, -0.5, 0.5, 5])
        let low = Numbers(dims: [], values: [-1], isConstant: true)
        let high = Numbers(dims: [], values: [2], isConstant: true)
        #expect(try harness.run("Clip", [x, low, high])[0].values == [-1, -0.5, 0.5, 2])
        #expect(try harness.run("Clip", [x, nil, high])[0].values == [-5, -0.5, 0.5, 2])
        #expect(
            try harness.run("Clip", version: 6, [x], [("min", .real(0)), ("max", .real(1))])[0].values
                == [0, 0, 0.5, 1])
        let whole = Numbers(type: 7, dims: [3], values: [-9, 3, 9])
        #expect(
            try harness.run("Clip", [whole, Numbers(type: 7, dims: [], values: [0], isConstant: true)])[0]
                .values
                == [0, 3, 9])
        #expect(throws: RefusedUse.self) { try harness.run("Clip", [x, Numbers(dims: [], values: [-1])]) }
    }

    @Test func `Sums, means and extremes take any number of tensors`() throws {
        let harness = try Harness()
        var generator = SeededGenerator(seed: 3)
        let all = [[2, 3], [3], [1, 1]].map { Numbers.random($0, &generator) }
        func expected(_ join: ([Double]) -> Double) -> [Double] {
            indices(of: [2, 3]).map { at in join(all.map { repeated($0, at: at) }) }
        }
        #expect(difference(try harness.run("Sum", all)[0].values, expected { $0.reduce(0, +) }) == nil)
        #expect(difference(try harness.run("Mean", all)[0].values, expected { $0.reduce(0, +) / 3 }) == nil)
        #expect(difference(try harness.run("Max", all)[0].values, expected { $0.max() ?? 0 }) == nil)
        #expect(difference(try harness.run("Min", [all[0]])[0].values, all[0].values) == nil)
    }

    @Test(arguments: [1, 2, 7, 11] as [Int32]) func `Where chooses`(_ type: Int32) throws {
        let harness = try Harness()
        var generator = SeededGenerator(seed: UInt64(type))
        let condition = Numbers.random([3, 1, 4], &generator, type: 9)
        let x = Numbers.random([2, 4], &generator, type: type, from: 0)
        let y = Numbers.random([1], &generator, type: type, from: 0)
        let got = try harness.run("Where", [condition, x, y])[0]
        #expect(got.dims == [3, 2, 4])
        #expect(
            got.values
                == indices(of: got.dims).map {
                    repeated(condition, at: $0) != 0 ? repeated(x, at: $0) : repeated(y, at: $0)
                })
    }

    @Test func `Casts between types cut, and truth is anything but zero`() throws {
        let harness = try Harness()
        let x = Numbers(dims: [6], values: [-1.75, -0.5, 0, 0.5, 2.25, 100])
        for (type, expected) in [
            (6, [-1, 0, 0, 0, 2, 100]), (7, [-1, 0, 0, 0, 2, 100]), (9, [1, 1, 0, 1, 1, 1]),
            (11, [-1.75, -0.5, 0, 0.5, 2.25, 100]), (10, [-1.75, -0.5, 0, 0.5, 2.25, 100]),
            (16, [-1.75, -0.5, 0, 0.5, 2.25, 100]),
        ] as [(Int32, [Double])] {
            let y = try harness.run("Cast", [x], [("to", .int(Int(type)))])[0]
            #expect(y.type == type)
            #expect(y.values == expected)
            let back = try harness.run("Cast", [y], [("to", .int(1))])[0]
            #expect(back.values == expected)
        }
    }
}
