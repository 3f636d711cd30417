import AcceleratorAPI
import CHengAccelerator
import CUDABackend
import Essentials
import Foundation
import Testing

extension CUDABackendTests {
    /// Every kernel runs on the host, through the same path as on a GPU, and is compared with plain loops.
    @Suite struct Operators {
        @Test func `functions of one value`() throws {
            unsafe try withContext { session, context, stream in
                let x = TestTensor([3, 100], seed: 1)
                let functions: [(String, [String: TestAttribute], (Double) -> Double)] = [
                    ("Relu", [:], { max(0, $0) }), ("Neg", [:], { -$0 }), ("Exp", [:], { exp($0) }),
                    ("Sigmoid", [:], { 1 / (1 + exp(-$0)) }), ("Tanh", [:], { tanh($0) }),
                    ("Erf", [:], { erf($0) }),
                    ("LeakyRelu", ["alpha": .float(0.25)], { $0 < 0 ? 0.25 * $0 : $0 }),
                    ("Gelu", [:], { 0.5 * $0 * (1 + erf($0 / 2.0.squareRoot())) }),
                    ("HardSigmoid", [:], { min(1, max(0, 0.2 * $0 + 0.5)) }),
                    ("Round", [:], { $0.rounded(.toNearestOrEven) }),
                    ("Softplus", [:], { log(1 + exp($0)) }), ("Mish", [:], { $0 * tanh(log(1 + exp($0))) }),
                ]
                for (name, attributes, function) in functions {
                    let result = unsafe try session.run(name, [x], attributes, in: context, stream)
                    expectClose(result.outputs[0].values, x.values.map(function), 1e-5, name)
                    #expect(result.outputs[0].dims == [3, 100])
                }
                let low = TestTensor([], [-1])
                let clipped = unsafe try session.run("Clip", [x, low], in: context, stream)
                expectClose(clipped.outputs[0].values, x.values.map { max(-1, $0) })
            }
        }

        @Test(arguments: [(HENG_TYPE_FLOAT16, 2e-3), (HENG_TYPE_BFLOAT16, 2e-2), (HENG_TYPE_FLOAT64, 1e-12)])
        func `other types of real numbers`(_ type: Int, _ tolerance: Double) throws {
            unsafe try withContext { session, context, stream in
                let x = TestTensor([5, 7], seed: 2, type: type)
                let values = TestTensor.read(x.bytes, type: type)
                let result = unsafe try session.run("Sigmoid", [x], in: context, stream)
                expectClose(result.outputs[0].values, values.map { 1 / (1 + exp(-$0)) }, tolerance)
                let sums = unsafe try session.run("ReduceSum", [x, .integers([1])], in: context, stream)
                let wanted = (0..<5).map { row in values[row * 7..<row * 7 + 7].reduce(0, +) }
                expectClose(sums.outputs[0].values, wanted, tolerance)
            }
        }

        @Test func `broadcasting`() throws {
            unsafe try withContext { session, context, stream in
                let a = TestTensor([2, 3, 4], seed: 1)
                let b = TestTensor([3, 1], seed: 2)
                let sum = unsafe try session.run("Add", [a, b], in: context, stream)
                expectClose(
                    sum.outputs[0].values,
                    (0..<24).map { (i: Int) -> Double in a.values[i] + b.values[i / 4 % 3] })
                let c = TestTensor([2, 1, 4], seed: 3)
                let outer = unsafe try session.run("Mul", [b, c], in: context, stream)
                #expect(outer.outputs[0].dims == [2, 3, 4])
                expectClose(
                    outer.outputs[0].values,
                    (0..<24).map { (i: Int) -> Double in b.values[i / 4 % 3] * c.values[i / 12 * 4 + i % 4] })
                let less = unsafe try session.run("Less", [a, b], in: context, stream)
                #expect(less.outputs[0].type == HENG_TYPE_BOOL)
                #expect(
                    less.outputs[0].values
                        == (0..<24).map { (i: Int) -> Double in a.values[i] < b.values[i / 4 % 3] ? 1 : 0 })
                let most = unsafe try session.run("Max", [a, b, c], in: context, stream)
                expectClose(
                    most.outputs[0].values,
                    (0..<24).map { (i: Int) -> Double in
                        max(a.values[i], max(b.values[i / 4 % 3], c.values[i / 12 * 4 + i % 4]))
                    })
                let (x, y) = (
                    TestTensor([4], [7, -7, 7, -7], type: HENG_TYPE_INT32),
                    TestTensor([4], [3, 3, -3, 0], type: HENG_TYPE_INT32)
                )
                let rest = unsafe try session.run("Mod", [x, y], in: context, stream)
                #expect(rest.outputs[0].values == [1, 2, -2, 0])
                let choice = TestTensor([3, 1], [1, 0, 1], type: HENG_TYPE_BOOL)
                let chosen = unsafe try session.run("Where", [choice, a, c], in: context, stream)
                expectClose(
                    chosen.outputs[0].values,
                    (0..<24).map { (i: Int) -> Double in
                        i / 4 % 3 == 1 ? c.values[i / 12 * 4 + i % 4] : a.values[i]
                    })
            }
        }

        @Test func `reductions over any axes`() throws {
            unsafe try withContext { session, context, stream in
                let x = TestTensor([4, 5, 300], seed: 4)
                func row(_ a: Int, _ c: Int) -> [Double] { (0..<5).map { x.values[(a * 5 + $0) * 300 + c] } }
                let cases: [(String, ([Double]) -> Double)] = [
                    ("ReduceMean", { $0.reduce(0, +) / 5 }), ("ReduceMax", { $0.max() ?? 0 }),
                    ("ReduceL2", { $0.reduce(0) { $0 + $1 * $1 }.squareRoot() }),
                    ("ReduceLogSumExp", { log($0.reduce(0) { $0 + exp($1) }) }),
                ]
                for (name, function) in cases {
                    let result = unsafe try session.run(
                        name, [x, .integers([-2])], ["keepdims": .int(0)], in: context, stream)
                    #expect(result.outputs[0].dims == [4, 300])
                    expectClose(
                        result.outputs[0].values, (0..<1200).map { function(row($0 / 300, $0 % 300)) }, 1e-4,
                        name)
                }
                let all = unsafe try session.run("ReduceSum", [x], in: context, stream)
                #expect(all.outputs[0].dims == [1, 1, 1])
                expectClose(all.outputs[0].values, [x.values.reduce(0, +)], 1e-4)
                let place = unsafe try session.run("ArgMax", [x], ["axis": .int(1)], in: context, stream)
                #expect(
                    place.outputs[0].values
                        == (0..<1200).map { at in
                            let values = row(at / 300, at % 300)
                            return Double(values.firstIndex(of: values.max() ?? 0) ?? 0)
                        })
            }
        }

        @Test func `softmax and normalizations`() throws {
            unsafe try withContext { session, context, stream in
                let x = TestTensor([3, 700], seed: 5)
                let soft = unsafe try session.run("Softmax", [x], in: context, stream)
                var wanted: [Double] = []
                for row in 0..<3 {
                    let part = x.values[row * 700..<(row + 1) * 700].map { exp($0) }
                    wanted += part.map { $0 / part.reduce(0, +) }
                }
                expectClose(soft.outputs[0].values, wanted, 1e-6)
                let (scale, bias) = (TestTensor([700], seed: 6), TestTensor([700], seed: 7))
                let normal = unsafe try session.run(
                    "LayerNormalization", [x, scale, bias], outputs: 3, in: context, stream)
                wanted = []
                var means: [Double] = []
                for row in 0..<3 {
                    let part = Array(x.values[row * 700..<(row + 1) * 700])
                    let mean = part.reduce(0, +) / 700
                    let spread = part.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / 700
                    means.append(mean)
                    wanted += part.indices.map {
                        (part[$0] - mean) / (spread + 1e-5).squareRoot() * scale.values[$0] + bias.values[$0]
                    }
                }
                expectClose(normal.outputs[0].values, wanted, 1e-4)
                expectClose(normal.outputs[1].values, means, 1e-4)
                #expect(normal.outputs[2].dims == [3, 1])
                let image = TestTensor([2, 3, 10], seed: 8)
                let parts = (1...3).map { TestTensor([3], seed: $0) }
                let variance = TestTensor([3], [1, 2, 3])
                let batch = unsafe try session.run(
                    "BatchNormalization", [image, parts[0], parts[1], parts[2], variance], in: context, stream
                )
                expectClose(
                    batch.outputs[0].values,
                    (0..<60).map { (i: Int) -> Double in
                        let channel = i / 10 % 3
                        return (image.values[i] - parts[2].values[channel])
                            / (variance.values[channel] + 1e-5).squareRoot() * parts[0].values[channel]
                            + parts[1].values[channel]
                    }, 1e-4)
            }
        }

        @Test func `convolution with groups, strides, dilations and pads`() throws {
            unsafe try withContext { session, context, stream in
                let x = TestTensor([2, 4, 9, 8], seed: 1)
                let weights = TestTensor([6, 2, 3, 2], seed: 2)
                let bias = TestTensor([6], seed: 3)
                let result = unsafe try session.run(
                    "Conv", [x, weights, bias],
                    [
                        "group": .int(2), "strides": .ints([2, 1]), "dilations": .ints([1, 2]),
                        "pads": .ints([1, 0, 1, 1]),
                    ], in: context, stream)
                #expect(result.outputs[0].dims == [2, 6, 5, 7])
                var wanted: [Double] = []
                for n in 0..<2 {
                    for m in 0..<6 {
                        for oy in 0..<5 {
                            for ox in 0..<7 {
                                var sum = bias.values[m]
                                for c in 0..<2 {
                                    for ky in 0..<3 {
                                        for kx in 0..<2 {
                                            let (iy, ix) = (oy * 2 - 1 + ky, ox + kx * 2)
                                            guard iy >= 0, iy < 9, ix < 8 else { continue }
                                            sum +=
                                                x.values[((n * 4 + m / 3 * 2 + c) * 9 + iy) * 8 + ix]
                                                * weights.values[((m * 2 + c) * 3 + ky) * 2 + kx]
                                        }
                                    }
                                }
                                wanted.append(sum)
                            }
                        }
                    }
                }
                expectClose(result.outputs[0].values, wanted, 1e-4)
                let pooled = unsafe try session.run(
                    "AveragePool", [x], ["kernel_shape": .ints([2, 2]), "pads": .ints([1, 1, 0, 0])],
                    in: context, stream)
                #expect(pooled.outputs[0].dims == [2, 4, 9, 8])
                expectClose([pooled.outputs[0].values[0]], [x.values[0]])
                expectClose(
                    [pooled.outputs[0].values[9]],
                    [(x.values[0] + x.values[1] + x.values[8] + x.values[9]) / 4])
                let most = unsafe try session.run(
                    "MaxPool", [x],
                    ["kernel_shape": .ints([3, 3]), "strides": .ints([2, 2]), "ceil_mode": .int(1)],
                    in: context, stream)
                #expect(most.outputs[0].dims == [2, 4, 4, 4])
                let global = unsafe try session.run("GlobalAveragePool", [x], in: context, stream)
                expectClose([global.outputs[0].values[7]], [x.values[504..<576].reduce(0, +) / 72], 1e-4)
            }
        }

        @Test func `values that change their place`() throws {
            unsafe try withContext { session, context, stream in
                let x = TestTensor([2, 3, 4], seed: 9)
                let turned = unsafe try session.run(
                    "Transpose", [x], ["perm": .ints([2, 0, 1])], in: context, stream)
                #expect(
                    turned.outputs[0].values
                        == (0..<24).map { (i: Int) -> Double in x.values[i / 3 % 2 * 12 + i % 3 * 4 + i / 6] }
                )
                let part = unsafe try session.run(
                    "Slice",
                    [
                        x, .integers([-1, 3]), .integers([-100, 0]), .integers([1, 2]), .integers([-1, -2]),
                    ],
                    in: context, stream)
                #expect(part.outputs[0].dims == [2, 3, 2])
                #expect(
                    part.outputs[0].values.prefix(4) == [x.values[11], x.values[9], x.values[7], x.values[5]])
                let y = TestTensor([2, 1, 4], seed: 10)
                let both = unsafe try session.run("Concat", [x, y], ["axis": .int(1)], in: context, stream)
                #expect(both.outputs[0].dims == [2, 4, 4])
                #expect(both.outputs[0].values.prefix(16) == (x.values[0..<12] + y.values[0..<4])[...])
                let split = unsafe try session.run(
                    "Split", [x, .integers([1, 2])], ["axis": .int(1)], outputs: 2, in: context, stream)
                #expect(split.outputs[1].values == Array(x.values[4..<12] + x.values[16..<24]))
                let index = TestTensor([2], [2, -1], type: HENG_TYPE_INT64)
                let picked = unsafe try session.run(
                    "Gather", [x, index], ["axis": .int(1)], in: context, stream)
                #expect(picked.outputs[0].values.prefix(8) == (x.values[8..<12] + x.values[8..<12])[...])
                let padded = unsafe try session.run(
                    "Pad", [x, .integers([0, 0, 1, 0, 0, 2])], ["mode": .string("reflect")], in: context,
                    stream)
                #expect(
                    padded.outputs[0].values.prefix(7) == [1, 0, 1, 2, 3, 2, 1].map { x.values[$0] }[...])
                let whole = unsafe try session.run(
                    "Cast", [x], ["to": .int(HENG_TYPE_INT64)], in: context, stream)
                #expect(whole.outputs[0].values == x.values.map { $0.rounded(.towardZero) })
                let flat = unsafe try session.run("Reshape", [x, .integers([0, -1])], in: context, stream)
                #expect(flat.outputs[0].dims == [2, 12] && flat.outputs[0].values == x.values)
                let wide = unsafe try session.run("Expand", [y, .integers([2, 3, 1])], in: context, stream)
                #expect(wide.outputs[0].dims == [2, 3, 4])
                let tiled = unsafe try session.run("Tile", [y, .integers([1, 2, 1])], in: context, stream)
                #expect(tiled.outputs[0].values.prefix(8) == (y.values[0..<4] + y.values[0..<4])[...])
            }
        }

        @Test func `attention with causal order, shared heads and a mask`() throws {
            unsafe try withContext { session, context, stream in
                let (q, k, v) = (
                    TestTensor([1, 4, 5, 8], seed: 1), TestTensor([1, 2, 5, 8], seed: 2),
                    TestTensor([1, 2, 5, 6], seed: 3)
                )
                let result = unsafe try session.run(
                    "Attention", [q, k, v], ["is_causal": .int(1)], in: context, stream)
                #expect(result.outputs[0].dims == [1, 4, 5, 6])
                var wanted: [Double] = []
                for head in 0..<4 {
                    for row in 0..<5 {
                        let weights = (0...row).map { (key: Int) -> Double in
                            var sum = 0.0
                            for i in 0..<8 {
                                sum +=
                                    q.values[(head * 5 + row) * 8 + i]
                                    * k.values[(head / 2 * 5 + key) * 8 + i]
                            }
                            return exp(sum / 8.0.squareRoot())
                        }
                        for column in 0..<6 {
                            var sum = 0.0
                            for key in 0...row {
                                sum += weights[key] * v.values[(head / 2 * 5 + key) * 6 + column]
                            }
                            wanted.append(sum / weights.reduce(0, +))
                        }
                    }
                }
                expectClose(result.outputs[0].values, wanted, 1e-4)
                let mask = TestTensor(
                    [5, 5], (0..<25).map { $0 % 5 <= $0 / 5 ? 1 : 0 }, type: HENG_TYPE_BOOL)
                let masked = unsafe try session.run("Attention", [q, k, v, mask], in: context, stream)
                expectClose(masked.outputs[0].values, wanted, 1e-4)
            }
        }

        // MARK: Products

        static func product(_ a: [Double], _ b: [Double], _ m: Int, _ k: Int, _ n: Int) -> [Double] {
            (0..<m * n).map { (at: Int) -> Double in
                var sum = 0.0
                for i in 0..<k { sum += a[at / n * k + i] * b[i * n + at % n] }
                return sum
            }
        }

        @Test(arguments: [[], ["libcublasLt.so.13"]])
        func `products, with the vendor's library and without`(_ missing: [String]) throws {
            unsafe try withContext(without: missing) { session, context, stream in
                let (a, b) = (TestTensor([2, 3, 5], seed: 1), TestTensor([5, 7], seed: 2))
                let shared = unsafe try session.run("MatMul", [a, b], in: context, stream)
                #expect(shared.algorithm == (missing.isEmpty ? "cuBLASLt" : "product of tiles"))
                #expect(shared.outputs[0].dims == [2, 3, 7])
                expectClose(shared.outputs[0].values, Operators.product(a.values, b.values, 6, 5, 7), 1e-5)
                if missing.isEmpty {
                    // The transposed product in columns: [7, 6] = [7, 5] * [5, 6].
                    let layouts = session.stub.calls.filter { $0.hasPrefix("cublasLtMatrixLayoutCreate") }
                    #expect(layouts.map { $0.split(separator: " ")[2] } == ["7x5", "5x6", "7x6"])
                }
                let c = TestTensor([3, 1, 5, 7], seed: 3)
                let batched = unsafe try session.run("MatMul", [a, c], in: context, stream)
                #expect(batched.outputs[0].dims == [3, 2, 3, 7])
                for index in 0..<6 {
                    let (left, right) = (
                        a.values[index % 2 * 15..<index % 2 * 15 + 15],
                        c.values[index / 2 * 35..<index / 2 * 35 + 35]
                    )
                    expectClose(
                        Array(batched.outputs[0].values[index * 21..<index * 21 + 21]),
                        Operators.product(Array(left), Array(right), 3, 5, 7), 1e-5, "\(index)")
                }
            }
        }

        @Test(arguments: [HENG_TYPE_FLOAT32, HENG_TYPE_FLOAT16, HENG_TYPE_BFLOAT16, HENG_TYPE_FLOAT64])
        func `Gemm with transposed factors and an addend`(_ type: Int) throws {
            unsafe try withContext { session, context, stream in
                let (a, b) = (
                    TestTensor([4, 6], seed: 1, type: type), TestTensor([5, 4], seed: 2, type: type)
                )
                let c = TestTensor([5], seed: 3, type: type)
                let attributes: [String: TestAttribute] = [
                    "transA": .int(1), "transB": .int(1), "alpha": .float(0.5), "beta": .float(2),
                ]
                let result = unsafe try session.run("Gemm", [a, b, c], attributes, in: context, stream)
                let values = [a, b, c].map { TestTensor.read($0.bytes, type: type) }
                let wanted = (0..<30).map { (at: Int) -> Double in
                    var sum = 0.0
                    for k in 0..<4 { sum += values[0][k * 6 + at / 5] * values[1][at % 5 * 4 + k] }
                    return 0.5 * sum + 2 * values[2][at % 5]
                }
                let tolerance = [HENG_TYPE_FLOAT16: 4e-3, HENG_TYPE_BFLOAT16: 4e-2][type] ?? 1e-5
                expectClose(result.outputs[0].values, wanted, tolerance)
            }
        }

        @Test func `addresses and levels that the library does not serve go to our own kernel`() throws {
            unsafe try withContext { session, context, stream in
                let (a, b) = (TestTensor([3, 5], seed: 1), TestTensor([5, 7], seed: 2))
                let wanted = Operators.product(a.values, b.values, 3, 5, 7)
                let shifted = unsafe try session.run("MatMul", [a, b], offset: 4, in: context, stream)
                expectClose(shifted.outputs[0].values, wanted)
                #expect(!session.stub.calls.contains("cublasLtMatmul"))
                let strict = unsafe try session.run(
                    "MatMul", [a, b], determinism: HENG_DETERMINISM_BATCH, in: context, stream)
                #expect(strict.algorithm == "product of tiles")
                #expect(strict.determinism == HENG_DETERMINISM_BATCH)
                expectClose(strict.outputs[0].values, wanted)
            }
        }

        // MARK: Refusals

        @Test func `what is not taken is told with a reason`() throws {
            let session = try StubSession()
            let x = TestTensor([2, 3], seed: 1)
            let cases: [(String, [TestTensor?], [String: TestAttribute], Int, Int)] = [
                ("NonSense", [x], [:], HENG_REFUSAL_OPERATOR, -1),
                ("Exp", [TestTensor([2], [1, 2], type: HENG_TYPE_INT32)], [:], HENG_REFUSAL_TYPE, 0),
                ("Add", [x, TestTensor([4], seed: 1)], [:], HENG_REFUSAL_SHAPE, 1),
                ("Relu", [x], ["alpha": .float(1)], HENG_REFUSAL_ATTRIBUTE, -1),
                ("Reshape", [x, TestTensor([1], [6], type: HENG_TYPE_INT64)], [:], HENG_REFUSAL_CONSTANT, 1),
                ("MatMul", [x, x], [:], HENG_REFUSAL_SHAPE, 1),
                ("Softmax", [x], ["axis": .int(2)], HENG_REFUSAL_ATTRIBUTE, -1),
            ]
            for (name, inputs, attributes, reason, argument) in cases {
                let refusal = try session.refusal(name, inputs, attributes)
                #expect(refusal?.reason == reason, "\(name)")
                #expect(refusal?.argument == argument, "\(name)")
                #expect(refusal?.text.hasSuffix(".") == true, "\(name)")
            }
            let old = try session.refusal("LayerNormalization", version: 16, [x, x])
            #expect(old?.reason == HENG_REFUSAL_VERSION)
            session.end()
        }
    }
}
