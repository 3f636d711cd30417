import CHengAccelerator
import Essentials
import Foundation
import TestSupport
import Testing

@Suite(.enabled(if: TestDevice.isThere, TestDevice.reason)) struct ReductionTests {
    static let forms: [(String, @Sendable ([Double]) -> Double)] = [
        ("ReduceSum", { $0.reduce(0, +) }), ("ReduceMean", { $0.reduce(0, +) / Double($0.count) }),
        ("ReduceMax", { $0.max() ?? -.infinity }), ("ReduceMin", { $0.min() ?? .infinity }),
        ("ReduceProd", { $0.reduce(1, *) }), ("ReduceL1", { $0.reduce(0) { $0 + abs($1) } }),
        ("ReduceL2", { $0.reduce(0) { $0 + $1 * $1 }.squareRoot() }),
        ("ReduceSumSquare", { $0.reduce(0) { $0 + $1 * $1 } }),
        ("ReduceLogSum", { log($0.reduce(0, +)) }),
        ("ReduceLogSumExp", { log($0.reduce(0) { $0 + exp($1) }) }),
    ]

    /// The rows that a reduction over axes sees, in the order of its outputs.
    static func rows(_ x: Numbers, _ axes: Set<Int>) -> [[Double]] {
        let kept = x.dims.indices.filter { !axes.contains($0) }
        var rows = [[Double]](repeating: [], count: kept.map { x.dims[$0] }.reduce(1, *))
        for at in indices(of: x.dims) {
            rows[flat(kept.map { at[$0] }, kept.map { x.dims[$0] })].append(x.values[flat(at, x.dims)])
        }
        return rows
    }

    @Test(arguments: forms.indices) func `Reductions over any axes are what loops compute`(_ index: Int)
        throws
    {
        let (name, function) = Self.forms[index]
        let harness = try Harness()
        for seed in UInt64(0)..<20 {
            var generator = SeededGenerator(seed: seed)
            let dims = randomDims(&generator, rank: 1...4)
            let axes = Set(dims.indices.filter { _ in generator.below(2) == 0 })
            let chosen = axes.isEmpty ? Set(dims.indices) : axes
            let low = name == "ReduceLogSum" ? 0.1 : -2.0
            let x = Numbers.random(dims, &generator, from: low)
            let keeps = generator.below(2)
            // As an input, as in the newest version, or as an attribute.
            let isInput = generator.below(2) == 0
            let list = axes.sorted().map { generator.below(2) == 0 ? $0 : $0 - dims.count }
            let y = try harness.run(
                name, version: isInput ? 0 : 11, isInput && !axes.isEmpty ? [x, .constant(list)] : [x],
                [("keepdims", .int(keeps))] + (isInput || axes.isEmpty ? [] : [("axes", .ints(list))]))[0]
            #expect(
                y.dims == dims.indices.compactMap { chosen.contains($0) ? (keeps == 1 ? 1 : nil) : dims[$0] })
            let problem = difference(y.values, Self.rows(x, chosen).map(function))
            #expect(problem == nil, "\(name) \(dims) over \(list), seed \(seed): \(problem ?? "")")
        }
    }

    @Test(arguments: ["ReduceSum", "ReduceMax", "ReduceMean", "ReduceL2"])
    func `Long rows are cut into parts`(_ name: String) throws {
        let function = try #require(Self.forms.first { $0.0 == name }).1
        var generator = SeededGenerator(seed: 9)
        let x = Numbers.random([3, 50_001], &generator)
        let y = try Harness().run(name, [x, .constant([1])])[0]
        #expect(difference(y.values, Self.rows(x, [1]).map(function)) == nil)
    }

    @Test(arguments: [6, 7, 2] as [Int32]) func `Whole numbers are reduced in their own arithmetic`(
        _ type: Int32
    ) throws {
        let x = Numbers(type: type, dims: [2, 3], values: [1, 5, 3, 9, 2, 7])
        let harness = try Harness()
        #expect(try harness.run("ReduceSum", [x, .constant([1])])[0].values == [9, 18])
        #expect(try harness.run("ReduceMax", [x, .constant([1])])[0].values == [5, 9])
        #expect(try harness.run("ReduceMin", [x])[0].values == [1])
        #expect(try harness.run("ReduceProd", [x, .constant([0])])[0].values == [9, 10, 21])
    }

    @Test func `No axes and noop leave everything as it is`() throws {
        let x = Numbers(dims: [2], values: [1, 2])
        let y = try Harness().run("ReduceSum", [x], [("noop_with_empty_axes", .int(1))])[0]
        #expect(y == x)
    }

    @Test(arguments: Array(0..<20) as [UInt64])
    func `The place of an extreme is the first, or the last if asked`(
        _ seed: UInt64
    ) throws {
        var generator = SeededGenerator(seed: seed)
        let dims = [1 + generator.below(4), 1 + generator.below(6), 1 + generator.below(4)]
        // Few different numbers, so that some are there twice.
        let x = Numbers(dims: dims, values: (0..<dims.reduce(1, *)).map { _ in Double(generator.below(3)) })
        let axis = generator.below(3)
        let last = generator.below(2)
        let y = try Harness().run(
            "ArgMax", [x],
            [("axis", .int(axis - 3)), ("keepdims", .int(0)), ("select_last_index", .int(last))])[0]
        let expected = Self.rows(x, [axis]).map { row -> Double in
            let most = row.max() ?? 0
            return Double((last == 1 ? row.lastIndex(of: most) : row.firstIndex(of: most)) ?? 0)
        }
        #expect(y.type == 7)
        #expect(y.values == expected)
    }

    @Test(arguments: Array(0..<16) as [UInt64]) func `Softmax in its old and its new form`(_ seed: UInt64)
        throws
    {
        var generator = SeededGenerator(seed: seed)
        let dims = (0..<1 + generator.below(4)).map { _ in 1 + generator.below(5) }
        let axis = generator.below(dims.count)
        let x = Numbers.random(dims, &generator, from: -20, to: 20)
        let isOld = generator.below(2) == 0
        let name = generator.pick(["Softmax", "LogSoftmax"])
        let y = try Harness().run(name, version: isOld ? 11 : 13, [x], [("axis", .int(axis))])[0]
        let axes = isOld ? Set(axis..<dims.count) : [axis]
        let kept = dims.indices.filter { !axes.contains($0) }
        let rows = Self.rows(x, axes)
        let expected = indices(of: dims).map { at -> Double in
            let row = rows[flat(kept.map { at[$0] }, kept.map { dims[$0] })]
            let most = row.max() ?? 0
            let sum = row.reduce(0) { $0 + exp($1 - most) }
            let value = x.values[flat(at, dims)] - most
            return name == "Softmax" ? exp(value) / sum : value - log(sum)
        }
        let problem = difference(y.values, expected)
        #expect(problem == nil, "\(name) \(dims) \(axis) \(isOld): \(problem ?? "")")
    }
}

@Suite(.enabled(if: TestDevice.isThere, TestDevice.reason)) struct NormalizationTests {
    private static func facts(_ row: [Double], centered: Bool = true) -> (mean: Double, factor: Double) {
        let mean = centered ? row.reduce(0, +) / Double(row.count) : 0
        let variance = row.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(row.count)
        return (mean, 1 / (variance + 1e-3).squareRoot())
    }

    private static let epsilon: [(String, TestAttribute)] = [("epsilon", .real(1e-3))]

    @Test(arguments: Array(0..<8) as [UInt64]) func `Batch normalization`(_ seed: UInt64) throws {
        var generator = SeededGenerator(seed: seed)
        let dims =
            [1 + generator.below(3), 1 + generator.below(5)]
            + (0..<generator.below(3)).map { _ in 1 + generator.below(4) }
        let x = Numbers.random(dims, &generator)
        let (scale, bias, mean) = (
            Numbers.random([dims[1]], &generator), Numbers.random([dims[1]], &generator),
            Numbers.random([dims[1]], &generator)
        )
        let variance = Numbers.random([dims[1]], &generator, from: 0.1)
        let y = try Harness().run("BatchNormalization", [x, scale, bias, mean, variance], Self.epsilon)[0]
        let expected = indices(of: dims).map { at in
            (x.values[flat(at, dims)] - mean.values[at[1]]) / (variance.values[at[1]] + 1e-3).squareRoot()
                * scale.values[at[1]] + bias.values[at[1]]
        }
        #expect(difference(y.values, expected) == nil)
    }

    @Test(arguments: Array(0..<12) as [UInt64]) func `Layer and root-mean-square normalization`(
        _ seed: UInt64
    ) throws {
        var generator = SeededGenerator(seed: seed)
        let dims = (0..<1 + generator.below(3)).map { _ in 1 + generator.below(6) }
        let axis = generator.below(dims.count)
        let isLayer = generator.below(2) == 0
        let x = Numbers.random(dims, &generator)
        let shape = Array(dims[axis...])
        let scale = Numbers.random(shape, &generator)
        let bias = isLayer && generator.below(2) == 0 ? Numbers.random(shape, &generator) : nil
        let outputs = isLayer ? 1 + generator.below(3) : 1
        let y = try Harness().run(
            isLayer ? "LayerNormalization" : "RMSNormalization", isLayer ? [x, scale, bias] : [x, scale],
            Self.epsilon + [("axis", .int(axis))], outputs: outputs)
        let length = shape.reduce(1, *)
        let rows = stride(from: 0, to: x.count, by: length).map { Array(x.values[$0..<$0 + length]) }
        let facts = rows.map { Self.facts($0, centered: isLayer) }
        let expected = x.values.indices.map { index -> Double in
            let (row, place) = (index / length, index % length)
            return (x.values[index] - facts[row].mean) * facts[row].factor * scale.values[place]
                + (bias?.values[place] ?? 0)
        }
        #expect(difference(y[0].values, expected) == nil)
        if outputs > 1 { #expect(difference(y[1].values, facts.map(\.mean)) == nil) }
        if outputs > 2 { #expect(difference(y[2].values, facts.map(\.factor)) == nil) }
    }

    @Test(arguments: Array(0..<12) as [UInt64]) func `Instance and group normalization`(_ seed: UInt64) throws
    {
        var generator = SeededGenerator(seed: seed)
        let groups = 1 + generator.below(3)
        let channels = groups * (1 + generator.below(3))
        let dims = [1 + generator.below(2), channels, 1 + generator.below(4), 1 + generator.below(4)]
        let x = Numbers.random(dims, &generator)
        let isInstance = generator.below(2) == 0
        let version = isInstance ? 6 : generator.pick([18, 21])
        let blocks = version == 18 ? groups : channels
        let scale = Numbers.random([blocks], &generator)
        let bias = Numbers.random([blocks], &generator)
        let y = try Harness().run(
            isInstance ? "InstanceNormalization" : "GroupNormalization", version: version, [x, scale, bias],
            Self.epsilon + (isInstance ? [] : [("num_groups", .int(groups))]))[0]
        let length = x.count / dims[0] / (isInstance ? channels : groups)
        let facts = stride(from: 0, to: x.count, by: length).map {
            Self.facts(Array(x.values[$0..<$0 + length]))
        }
        let expected = indices(of: dims).map { at -> Double in
            let place = flat(at, dims)
            let which = at[1] / (channels / blocks)
            let fact = facts[place / length]
            return (x.values[place] - fact.mean) * fact.factor * scale.values[which] + bias.values[which]
        }
        #expect(difference(y.values, expected) == nil)
    }

    @Test func `Local response normalization`() throws {
        var generator = SeededGenerator(seed: 2)
        let x = Numbers.random([2, 5, 3], &generator)
        let y = try Harness().run(
            "LRN", [x], [("size", .int(3)), ("alpha", .real(0.1)), ("beta", .real(0.5)), ("bias", .real(2))])[
                0]
        let expected = indices(of: x.dims).map { at -> Double in
            let sum = (max(0, at[1] - 1)...min(4, at[1] + 1)).reduce(0.0) {
                $0 + pow(x.values[flat([at[0], $1, at[2]], x.dims)], 2)
            }
            return x.values[flat(at, x.dims)] / pow(2 + 0.1 / 3 * sum, 0.5)
        }
        #expect(difference(y.values, expected) == nil)
    }
}
