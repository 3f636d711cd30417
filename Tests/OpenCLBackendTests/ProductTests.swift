import CHengAccelerator
import Essentials
import TestSupport
import Testing

#if canImport(Glibc)
import Glibc
#endif

@Suite(.enabled(if: TestDevice.isThere, TestDevice.reason)) struct ProductTests {
    static func product(_ a: Numbers, _ b: Numbers) -> Numbers {
        let aDims = a.dims.count == 1 ? [1] + a.dims : a.dims
        let bDims = b.dims.count == 1 ? b.dims + [1] : b.dims
        let (rows, depth, columns) = (aDims[aDims.count - 2], aDims[aDims.count - 1], bDims[bDims.count - 1])
        let (aBatch, bBatch) = (Array(aDims.dropLast(2)), Array(bDims.dropLast(2)))
        let rank = max(aBatch.count, bBatch.count)
        func padded(_ dims: [Int]) -> [Int] { [Int](repeating: 1, count: rank - dims.count) + dims }
        let batch = zip(padded(aBatch), padded(bBatch)).map { $0 == 1 ? $1 : $0 }
        let whole = Numbers(dims: aDims, values: a.values)
        let other = Numbers(dims: bDims, values: b.values)
        var values: [Double] = []
        for index in indices(of: batch) {
            for row in 0..<rows {
                for column in 0..<columns {
                    var sum = 0.0
                    for k in 0..<depth {
                        sum +=
                            repeated(whole, at: index + [row, k]) * repeated(other, at: index + [k, column])
                    }
                    values.append(sum)
                }
            }
        }
        var dims = batch
        if a.dims.count > 1 { dims.append(rows) }
        if b.dims.count > 1 { dims.append(columns) }
        return Numbers(dims: dims, values: values)
    }

    @Test(arguments: Array(0..<40) as [UInt64]) func `Matrix products of all shapes are what loops compute`(
        _ seed: UInt64
    ) throws {
        var generator = SeededGenerator(seed: seed)
        let (rows, depth, columns) = (
            generator.below(40), generator.below(8) == 0 ? 0 : generator.below(50), 1 + generator.below(50)
        )
        var (aDims, bDims) = ([rows, depth], [depth, columns])
        for _ in 0..<generator.below(3) {
            let extent = 1 + generator.below(3)
            switch generator.below(4) {
            case 0: aDims.insert(extent, at: 0)
            case 1: (aDims, bDims) = ([extent] + aDims, [extent] + bDims)
            case 2: (aDims, bDims) = ([1] + aDims, [extent] + bDims)
            default: (aDims, bDims) = ([extent] + aDims, [1] + bDims)
            }
        }
        if aDims.count != bDims.count, aDims.count > bDims.count, bDims.count > 2 {
            bDims = [Int](repeating: 1, count: aDims.count - bDims.count) + bDims
            aDims = Array(repeating: 1, count: 0) + aDims
        }
        // Batches that came in another order may not fit; then only one side has some.
        let fit = zip(aDims.dropLast(2).reversed(), bDims.dropLast(2).reversed()).allSatisfy {
            $0 == $1 || $0 == 1 || $1 == 1
        }
        if !fit { bDims = Array(bDims.suffix(2)) }
        if seed % 9 == 0 { aDims = [depth] }
        if seed % 7 == 0 { bDims = [depth] }
        let type: Int32 = seed % 5 == 4 ? 11 : 1
        let a = Numbers.random(aDims, &generator, type: type)
        let b = Numbers.random(bDims, &generator, type: type)
        let expected = Self.product(a, b)
        let y = try Harness().run("MatMul", [a, b])[0]
        #expect(y.dims == expected.dims)
        let problem = difference(y.values, expected.values)
        #expect(problem == nil, "\(aDims) x \(bDims): \(problem ?? "")")
    }

    @Test(arguments: [(64, 128, 96), (130, 70, 17), (257, 33, 1024), (4, 2048, 512)])
    func `Large products take the way through panels`(_ rows: Int, _ depth: Int, _ columns: Int) throws {
        var generator = SeededGenerator(seed: 1)
        let a = Numbers.random([rows, depth], &generator, from: -1, to: 1)
        let b = Numbers.random([depth, columns], &generator, from: -1, to: 1)
        let y = try Harness().run("MatMul", [a, b])[0]
        for _ in 0..<200 {
            let (row, column) = (generator.below(rows), generator.below(columns))
            let expected = (0..<depth).reduce(0.0) {
                $0 + a.values[row * depth + $1] * b.values[$1 * columns + column]
            }
            #expect(abs(y.values[row * columns + column] - expected) < 1e-4 + 1e-4 * abs(expected))
        }
    }

    @Test(arguments: Array(0..<24) as [UInt64]) func `Gemm turns, scales and adds`(_ seed: UInt64) throws {
        var generator = SeededGenerator(seed: seed)
        let (rows, depth, columns) = (1 + generator.below(20), generator.below(20), 1 + generator.below(20))
        let (turnsA, turnsB) = (generator.below(2), generator.below(2))
        let a = Numbers.random(turnsA == 1 ? [depth, rows] : [rows, depth], &generator)
        let b = Numbers.random(turnsB == 1 ? [columns, depth] : [depth, columns], &generator)
        let c = generator.pick(
            [nil, [], [1], [columns], [rows, 1], [1, columns], [rows, columns]] as [[Int]?]
        )
        .map { Numbers.random($0, &generator) }
        let (alpha, beta) = (generator.pick([1.0, 0.5]), generator.pick([1.0, -2.0]))
        let y = try Harness().run(
            "Gemm", [a, b, c],
            [
                ("transA", .int(turnsA)), ("transB", .int(turnsB)), ("alpha", .real(alpha)),
                ("beta", .real(beta)),
            ])[0]
        #expect(y.dims == [rows, columns])
        let expected = indices(of: [rows, columns]).map { at -> Double in
            let sum = (0..<depth).reduce(0.0) {
                let p = turnsA == 1 ? a.values[$1 * rows + at[0]] : a.values[at[0] * depth + $1]
                let q = turnsB == 1 ? b.values[at[1] * depth + $1] : b.values[$1 * columns + at[1]]
                return $0 + p * q
            }
            return alpha * sum + (c.map { beta * repeated($0, at: at) } ?? 0)
        }
        let problem = difference(y.values, expected)
        #expect(problem == nil, "seed \(seed): \(problem ?? "")")
    }

    @Test(arguments: Array(0..<16) as [UInt64]) func `Attention is what loops compute`(_ seed: UInt64) throws
    {
        var generator = SeededGenerator(seed: seed)
        let (batches, share, heads) = (1 + generator.below(2), 1 + generator.below(2), 1 + generator.below(2))
        let (queries, keys, size, valueSize) = (
            1 + generator.below(5), 1 + generator.below(6), 1 + generator.below(4), 1 + generator.below(4)
        )
        let (isFlat, isCausal) = (generator.below(2) == 1, generator.below(2))
        let qHeads = heads * share
        func tensor(_ count: Int, _ length: Int, _ size: Int) -> Numbers {
            Numbers.random(
                isFlat ? [batches, length, count * size] : [batches, count, length, size], &generator)
        }
        let (q, k, v) = (
            tensor(qHeads, queries, size), tensor(heads, keys, size), tensor(heads, keys, valueSize)
        )
        func at(_ x: Numbers, _ b: Int, _ h: Int, _ i: Int, _ d: Int, _ size: Int) -> Double {
            isFlat ? x.values[flat([b, i, h * size + d], x.dims)] : x.values[flat([b, h, i, d], x.dims)]
        }
        let mask: Numbers? = generator.pick([
            nil, Numbers.random([queries, keys], &generator),
            Numbers(
                type: 9, dims: [batches, 1, 1, keys],
                values: (0..<batches * keys).map { $0 % keys == 0 ? 1 : Double($0 % 2) }),
        ])
        var attributes: [(String, TestAttribute)] = [("is_causal", .int(isCausal))]
        if isFlat { attributes += [("q_num_heads", .int(qHeads)), ("kv_num_heads", .int(heads))] }
        let y = try Harness().run("Attention", [q, k, v, mask], attributes)[0]
        var expected: [Double] = []
        let shape = isFlat ? [batches, queries, qHeads, valueSize] : [batches, qHeads, queries, valueSize]
        for index in indices(of: shape) {
            let (b, h, i, d) =
                isFlat ? (index[0], index[2], index[1], index[3]) : (index[0], index[1], index[2], index[3])
            let scores = (0..<keys).map { j -> Double in
                var score =
                    (0..<size).reduce(0.0) {
                        $0 + at(q, b, h, i, $1, size) * at(k, b, h / share, j, $1, size)
                    } / Double(size).squareRoot()
                if let mask {
                    let value = repeated(mask, at: [b, h, i, j])
                    if mask.type == 9 { if value == 0 { score = -.infinity } } else { score += value }
                }
                return isCausal == 1 && j > i ? -.infinity : score
            }
            let most = scores.max() ?? 0
            let weights = scores.map { most.isFinite ? Double.exp($0 - most) : 0 }
            let sum = weights.reduce(0, +)
            expected.append(
                (0..<keys).reduce(0.0) {
                    $0 + weights[$1] / (sum > 0 ? sum : 1) * at(v, b, h / share, $1, d, valueSize)
                })
        }
        let problem = difference(y.values, expected)
        #expect(problem == nil, "seed \(seed): \(problem ?? "")")
    }
}

extension Double {
    fileprivate static func exp(_ value: Double) -> Double { value == -.infinity ? 0 : Glibc.exp(value) }
}
