import CHengAccelerator
import Essentials
import TestSupport
import Testing

@Suite(.enabled(if: TestDevice.isThere, TestDevice.reason)) struct WindowTests {
    /// A window's sizes along one or two axes, from a seed.
    struct Sample {
        var rank: Int
        var spatial: [Int]
        var kernel: [Int]
        var strides: [Int]
        var dilations: [Int]
        var pads: [Int]
        var output: [Int]

        init(_ generator: inout SeededGenerator, padsBelowKernel: Bool = false) {
            rank = 1 + generator.below(2)
            func list(_ count: Int, _ make: (Int) -> Int) -> [Int] { (0..<count).map(make) }
            let kernel = (0..<rank).map { _ in 1 + generator.below(3) }
            let strides = (0..<rank).map { _ in 1 + generator.below(3) }
            let dilations = (0..<rank).map { _ in 1 + generator.below(2) }
            let pads = (0..<2 * rank).map {
                generator.below(padsBelowKernel ? kernel[$0 % (kernel.count)] : 3)
            }
            let spatial = (0..<rank).map { (kernel[$0] - 1) * dilations[$0] + 1 + generator.below(8) }
            (self.kernel, self.strides, self.dilations, self.pads, self.spatial) = (
                kernel, strides, dilations, pads, spatial
            )
            let axes = rank
            output = (0..<axes).map { (axis: Int) -> Int in
                let reach = (kernel[axis] - 1) * dilations[axis] + 1
                return (spatial[axis] + pads[axis] + pads[axis + axes] - reach) / strides[axis] + 1
            }
        }

        var attributes: [(String, TestAttribute)] {
            [("strides", .ints(strides)), ("dilations", .ints(dilations)), ("pads", .ints(pads))]
        }

        /// Where a tap of an output's window lies; nil in the border.
        func place(_ out: [Int], _ tap: [Int]) -> [Int]? {
            let at = (0..<rank).map { out[$0] * strides[$0] - pads[$0] + tap[$0] * dilations[$0] }
            return (0..<rank).allSatisfy { at[$0] >= 0 && at[$0] < spatial[$0] } ? at : nil
        }
    }

    @Test(arguments: Array(0..<40) as [UInt64]) func `Convolutions are what loops compute`(_ seed: UInt64)
        throws
    {
        var generator = SeededGenerator(seed: seed)
        let sample = Sample(&generator)
        let groups = generator.pick([1, 1, 2, 3])
        let (batches, perGroup, filters) = (
            1 + generator.below(2), 1 + generator.below(3), groups * generator.pick([1, 2, 5, 17])
        )
        let x = Numbers.random([batches, groups * perGroup] + sample.spatial, &generator)
        let w = Numbers.random([filters, perGroup] + sample.kernel, &generator)
        let bias = generator.below(2) == 0 ? nil : Numbers.random([filters], &generator)
        let y = try Harness().run("Conv", [x, w, bias], sample.attributes + [("group", .int(groups))])[0]
        #expect(y.dims == [batches, filters] + sample.output)
        let expected = indices(of: y.dims).map { at -> Double in
            let group = at[1] / (filters / groups)
            var sum = bias?.values[at[1]] ?? 0
            for c in 0..<perGroup {
                for tap in indices(of: sample.kernel) {
                    guard let place = sample.place(Array(at[2...]), tap) else { continue }
                    sum +=
                        x.values[flat([at[0], group * perGroup + c] + place, x.dims)]
                        * w.values[flat([at[1], c] + tap, w.dims)]
                }
            }
            return sum
        }
        let problem = difference(y.values, expected)
        #expect(problem == nil, "seed \(seed): \(problem ?? "")")
    }

    @Test(arguments: Array(0..<30) as [UInt64]) func `Transposed convolutions are what loops compute`(
        _ seed: UInt64
    ) throws {
        var generator = SeededGenerator(seed: seed)
        let sample = Sample(&generator, padsBelowKernel: true)
        let groups = generator.pick([1, 1, 2])
        let (batches, perGroup, filters) = (
            1 + generator.below(2), 1 + generator.below(2), 1 + generator.below(3)
        )
        let spatial = sample.spatial.map { 1 + $0 / 2 }
        let x = Numbers.random([batches, groups * perGroup] + spatial, &generator)
        let w = Numbers.random([groups * perGroup, filters] + sample.kernel, &generator)
        var output: [Int] = []
        for axis in 0..<sample.rank {
            let reach = (sample.kernel[axis] - 1) * sample.dilations[axis] + 1
            let borders = sample.pads[axis] + sample.pads[axis + sample.rank]
            output.append(sample.strides[axis] * (spatial[axis] - 1) + reach - borders)
        }
        guard output.allSatisfy({ $0 > 0 }) else { return }
        let y = try Harness().run("ConvTranspose", [x, w], sample.attributes + [("group", .int(groups))])[0]
        #expect(y.dims == [batches, groups * filters] + output)
        var expected = [Double](repeating: 0, count: y.count)
        for at in indices(of: x.dims) {
            for filter in 0..<filters {
                for tap in indices(of: sample.kernel) {
                    var place: [Int] = []
                    for axis in 0..<sample.rank {
                        let begin = at[axis + 2] * sample.strides[axis] - sample.pads[axis]
                        place.append(begin + tap[axis] * sample.dilations[axis])
                    }
                    guard zip(place, output).allSatisfy({ $0 >= 0 && $0 < $1 }) else { continue }
                    let channel = at[1] / perGroup * filters + filter
                    expected[flat([at[0], channel] + place, y.dims)] +=
                        x.values[flat(at, x.dims)] * w.values[flat([at[1], filter] + tap, w.dims)]
                }
            }
        }
        let problem = difference(y.values, expected)
        #expect(problem == nil, "seed \(seed): \(problem ?? "")")
    }

    @Test(arguments: Array(0..<30) as [UInt64]) func `Pools are what loops compute`(_ seed: UInt64) throws {
        var generator = SeededGenerator(seed: seed)
        let sample = Sample(&generator, padsBelowKernel: true)
        let x = Numbers.random([2, 3] + sample.spatial, &generator)
        let harness = try Harness()
        let attributes = sample.attributes + [("kernel_shape", .ints(sample.kernel))]
        let most = try harness.run("MaxPool", [x], attributes, outputs: 2)
        #expect(most[0].dims == [2, 3] + sample.output)
        for counts in [0, 1] {
            let mean = try harness.run(
                "AveragePool", [x], attributes + [("count_include_pad", .int(counts))])[0]
            let expected = indices(of: mean.dims).map { at -> Double in
                let taps = indices(of: sample.kernel)
                let inside = taps.compactMap { sample.place(Array(at[2...]), $0) }
                let sum = inside.reduce(0.0) { $0 + x.values[flat([at[0], at[1]] + $1, x.dims)] }
                return sum / Double(counts == 1 ? taps.count : max(1, inside.count))
            }
            let problem = difference(mean.values, expected)
            #expect(problem == nil, "mean, seed \(seed): \(problem ?? "")")
        }
        for (number, at) in indices(of: most[0].dims).enumerated() {
            let places = indices(of: sample.kernel).compactMap { sample.place(Array(at[2...]), $0) }
            let values = places.map { x.values[flat([at[0], at[1]] + $0, x.dims)] }
            guard let best = values.max() else { continue }
            #expect(most[0].values[number] == best)
            #expect(x.values[Int(most[1].values[number])] == best)
        }
    }

    @Test func `A pool that rounds up covers the rest, and a border beyond the padding never counts`() throws
    {
        let harness = try Harness()
        let x = Numbers(dims: [1, 1, 5], values: [1, 2, 3, 4, 5])
        let attributes: [(String, TestAttribute)] = [
            ("kernel_shape", .ints([2])), ("strides", .ints([2])), ("ceil_mode", .int(1)),
        ]
        #expect(try harness.run("MaxPool", [x], attributes)[0].values == [2, 4, 5])
        let mean = try harness.run("AveragePool", [x], attributes + [("count_include_pad", .int(1))])[0]
        #expect(mean.values == [1.5, 3.5, 5])
    }

    @Test(arguments: ["SAME_UPPER", "SAME_LOWER", "VALID"]) func `Borders are found`(_ mode: String) throws {
        let x = Numbers(dims: [1, 1, 4], values: [1, 2, 3, 4])
        let w = Numbers(dims: [1, 1, 2], values: [1, 10])
        let y = try Harness().run("Conv", [x, w], [("auto_pad", .text(mode))])[0]
        let expected: [String: [Double]] = [
            "SAME_UPPER": [21, 32, 43, 4], "SAME_LOWER": [10, 21, 32, 43], "VALID": [21, 32, 43],
        ]
        #expect(y.values == expected[mode])
    }

    @Test func `Global pools take everything`() throws {
        var generator = SeededGenerator(seed: 1)
        let x = Numbers.random([2, 3, 4, 5], &generator)
        let rows = (0..<6).map { row in Array(x.values[row * 20..<row * 20 + 20]) }
        let harness = try Harness()
        let mean = try harness.run("GlobalAveragePool", [x])[0]
        #expect(mean.dims == [2, 3, 1, 1])
        #expect(difference(mean.values, rows.map { $0.reduce(0, +) / 20 }) == nil)
        #expect(
            difference(try harness.run("GlobalMaxPool", [x])[0].values, rows.map { $0.max() ?? 0 }) == nil)
    }
}
