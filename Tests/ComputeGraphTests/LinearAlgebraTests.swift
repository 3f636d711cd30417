import ComputeGraph
import Essentials
import TestSupport
import Testing

private func d(_ shape: Shape, _ values: Double...) -> HostTensor {
    HostTensor(TensorType(.float64, shape), doubles: values)
}

private let close = Exactness.within(relative: 1e-9, absolute: 1e-9)

/// The product of matrices, with leading axes that broadcast.
private func times(_ left: HostTensor, _ right: HostTensor) -> HostTensor {
    MatMul().reference([left, right])[0]
}

private func transposed(_ tensor: HostTensor) -> HostTensor {
    let rank = tensor.type.shape.rank
    return Transpose(Array(0..<(rank - 2)) + [rank - 1, rank - 2]).reference([tensor])[0]
}

/// Diagonal matrices of the numbers on the last axis.
private func diagonal(_ tensor: HostTensor) -> HostTensor {
    let size = tensor.type.shape.extents.last ?? 0
    var values: [Double] = []
    for (index, value) in tensor.doubles.enumerated() {
        values += (0..<size).map { $0 == index % size ? value : 0 }
    }
    return HostTensor(TensorType(.float64, Shape(tensor.type.shape.extents + [size])), doubles: values)
}

private func identity(like tensor: HostTensor) -> HostTensor {
    let extents = tensor.type.shape.extents
    let ones = TensorType(.float64, Shape(Array(extents.dropLast())))
    return diagonal(HostTensor(ones, doubles: [Double](repeating: 1, count: ones.shape.count)))
}

@Suite("Linear algebra")
struct LinearAlgebraTests {
    private func run(_ name: String, _ inputs: HostTensor..., with attributes: [String: Attribute] = [:])
        throws
        -> [HostTensor]
    {
        try ModelCall(name, in: .heng, version: 1, inputs, attributes).run()
    }

    private func random(_ seed: UInt64, _ purpose: String) -> (SeededGenerator, Shape) {
        var random = SeededGenerator(seed: seed, purpose: purpose)
        let batch = (0..<random.below(3)).map { _ in 1 + random.below(3) }
        return (random, Shape(batch))
    }

    /// A matrix of random rank, for which nothing is excluded.
    private func anyMatrix(_ random: inout SeededGenerator, _ batch: Shape) -> HostTensor {
        let (rows, columns, rank) = (1 + random.below(6), 1 + random.below(6), random.below(7))
        let left = random.tensor(Shape(batch.extents + [rows, max(rank, 1)]))
        let right = random.tensor(Shape(batch.extents + [max(rank, 1), columns]))
        let product = times(left, right)
        return rank == 0 ? HostTensor(zeros: product.type) : product
    }

    @Test func `small matrices have the factors that a person computes`() throws {
        let a = d([2, 2], 4, 3, 6, 3)
        expectEqual(try run("Inverse", a), [d([2, 2], -0.5, 0.5, 1, -2.0 / 3)], close)
        expectEqual(try run("Solve", a, d([2], 10, 12)), [d([2], 1, 2)], close)
        expectEqual(try run("LogDeterminant", a), [d([], -1), d([], 1.791_759_469_228_055)], close)
        expectEqual(try run("Cholesky", d([2, 2], 4, 99, 2, 5)), [d([2, 2], 2, 0, 1, 2)], close)
        expectEqual(
            try run("Cholesky", d([2, 2], 4, 99, 2, 5), with: ["upper": .int(1)]), [d([2, 2], 2, 1, 0, 2)],
            close)
        expectEqual(
            try run("QR", d([2, 2], 3, 1, -4, 2)),
            [d([2, 2], 0.6, 0.8, -0.8, 0.6), d([2, 2], 5, -1, 0, 2)], close)
        expectEqual(
            try run("SVD", d([2, 2], 0, 2, -3, 0)),
            [d([2, 2], 0, 1, 1, 0), d([2], 3, 2), d([2, 2], -1, 0, 0, 1)], close)
        let half = 0.5.squareRoot()
        expectEqual(
            try run("Eigh", d([2, 2], 2, 99, 1, 2)), [d([2], 1, 3), d([2, 2], half, half, -half, half)], close
        )
        // A quarter turn: -i and i.
        expectEqual(
            try run("Eig", d([2, 2], 0, -1, 1, 0)),
            [d([2, 2], 0, -1, 0, 1), d([2, 2, 2], half, 0, half, 0, 0, half, 0, -half)], close)
        expectEqual(try run("Pinverse", d([1, 2], 3, 4)), [d([2, 1], 0.12, 0.16)], close)
        // The mean is what comes closest to 1, 2 and 6.
        expectEqual(try run("LeastSquares", d([3, 1], 1, 1, 1), d([3], 1, 2, 6)), [d([1], 3)], close)
        let rank = try run("MatrixRank", d([2, 2, 2], 1, 2, 2, 4, 1, 2, 3, 4))
        #expect(rank[0].integers == [1, 2])
    }

    @Test func `products of vectors and matrices`() throws {
        expectEqual(try run("Dot", d([2, 2], 1, 2, 3, 4), d([2], 5, 6)), [d([2], 17, 39)])
        expectEqual(try run("Outer", d([2], 1, 2), d([3], 3, 4, 5)), [d([2, 3], 3, 4, 5, 6, 8, 10)])
        expectEqual(try run("Trace", d([2, 3], 1, 2, 3, 4, 5, 6)), [d([], 6)])
        expectEqual(try run("Trace", d([1, 3, 2], 1, 2, 3, 4, 5, .infinity)), [d([1], 5)])
        expectEqual(
            try run("Kron", d([1, 2], 1, 10), d([2, 2], 1, 2, 3, 4)), [d([2, 4], 1, 2, 10, 20, 3, 4, 30, 40)])
    }

    @Test(arguments: propertySeeds) func `Q and R are orthonormal and triangular factors`(seed: UInt64) throws
    {
        var (random, batch) = random(seed, "qr")
        let a = anyMatrix(&random, batch)

        let factors = try run("QR", a)

        expectEqual([times(factors[0], factors[1])], [a], close)
        expectEqual(
            [times(transposed(factors[0]), factors[0])], [identity(like: transposed(factors[0]))], close)
        let shape = factors[1].type.shape
        let (rows, columns) = (shape[shape.rank - 2], shape[shape.rank - 1])
        for (index, value) in factors[1].doubles.enumerated() {
            let (row, column) = (index / columns % rows, index % columns)
            if column < row { #expect(value == 0) }
            if column == row { #expect(value >= 0) }
        }
    }

    @Test(arguments: propertySeeds) func `singular vectors and values rebuild the matrix`(seed: UInt64) throws
    {
        var (random, batch) = random(seed, "svd")
        let a = anyMatrix(&random, batch)

        let factors = try run("SVD", a)

        let scaled = times(factors[0], diagonal(factors[1]))
        expectEqual([times(scaled, factors[2])], [a], close)
        expectEqual(
            [times(transposed(factors[0]), factors[0])], [identity(like: diagonal(factors[1]))], close)
        expectEqual(
            [times(factors[2], transposed(factors[2]))], [identity(like: diagonal(factors[1]))], close)
        let size = factors[1].type.shape.extents.last ?? 1
        let values = factors[1].doubles
        for index in values.indices where index % size > 0 { #expect(values[index - 1] >= values[index]) }
        #expect(values.allSatisfy { $0 >= 0 })
    }

    @Test(arguments: propertySeeds) func `symmetric matrices are V W V'`(seed: UInt64) throws {
        var (random, batch) = random(seed, "eigh")
        let half = anyMatrix(&random, batch)
        let a = times(half, transposed(half))

        let eigen = try run("Eigh", a)

        expectEqual([times(eigen[1], times(diagonal(eigen[0]), transposed(eigen[1])))], [a], close)
        expectEqual([times(transposed(eigen[1]), eigen[1])], [identity(like: a)], close)
        let size = a.type.shape.extents.last ?? 1
        let values = eigen[0].doubles
        for index in values.indices where index % size > 0 { #expect(values[index - 1] <= values[index]) }
    }

    @Test(arguments: propertySeeds) func `A v is w v for every eigenvalue`(seed: UInt64) throws {
        var (random, batch) = random(seed, "eig")
        let size = 1 + random.below(7)
        let a = random.tensor(Shape(batch.extents + [size, size]))

        let eigen = try run("Eig", a)

        let (values, vectors) = (eigen[0].doubles, eigen[1].doubles)
        for matrix in 0..<batch.count {
            for vector in 0..<size {
                let (re, im) = (
                    values[2 * (matrix * size + vector)], values[2 * (matrix * size + vector) + 1]
                )
                var norm = 0.0
                for row in 0..<size {
                    var (left, right) = (0.0, 0.0)
                    for column in 0..<size {
                        let factor = a.doubles[(matrix * size + row) * size + column]
                        let place = 2 * ((matrix * size + column) * size + vector)
                        left += factor * vectors[place]
                        right += factor * vectors[place + 1]
                    }
                    let place = 2 * ((matrix * size + row) * size + vector)
                    let (x, y) = (vectors[place], vectors[place + 1])
                    norm += x * x + y * y
                    #expect(close.agrees(left, re * x - im * y))
                    #expect(close.agrees(right, re * y + im * x))
                }
                #expect(close.agrees(norm, 1))
            }
        }
    }

    @Test(arguments: propertySeeds) func `solutions solve, and inverses invert`(seed: UInt64) throws {
        var (random, batch) = random(seed, "solve")
        let size = 1 + random.below(6)
        let a = random.tensor(Shape(batch.extents + [size, size]))
        let b = random.tensor(Shape([size, 1 + random.below(4)]))
        let loose = Exactness.within(relative: 1e-6, absolute: 1e-6)

        let x = try run("Solve", a, b)[0]
        let inverse = try run("Inverse", a)[0]

        expectEqual([times(a, x)], [Expand(times(a, x).type.shape).reference([b])[0]], loose)
        expectEqual([times(a, inverse)], [identity(like: a)], loose)
        let determinants = try run("LogDeterminant", times(a, transposed(a)))
        let own = try run("LogDeterminant", a)
        #expect(determinants[0].doubles.allSatisfy { $0 == 1 })
        #expect(own[0].doubles.allSatisfy { abs($0) == 1 })
        for (twice, once) in zip(determinants[1].doubles, own[1].doubles) {
            #expect(loose.agrees(twice, 2 * once))
        }
    }

    @Test(arguments: propertySeeds) func `the pseudo-inverse has Penrose's properties`(seed: UInt64) throws {
        var (random, batch) = random(seed, "pinverse")
        let a = anyMatrix(&random, batch)
        let b = random.tensor(Shape(batch.extents + [a.type.shape[a.type.shape.rank - 2], 2]))
        let loose = Exactness.within(relative: 1e-6, absolute: 1e-6)

        let inverse = try run("Pinverse", a, with: ["rtol": .float(1e-10)])[0]

        expectEqual([times(a, times(inverse, a))], [a], loose)
        expectEqual([times(inverse, times(a, inverse))], [inverse], loose)
        expectEqual([transposed(times(a, inverse))], [times(a, inverse)], loose)
        expectEqual([transposed(times(inverse, a))], [times(inverse, a)], loose)
        expectEqual(
            try run("LeastSquares", a, b, with: ["rtol": .float(1e-10)]), [times(inverse, b)], loose)
    }

    @Test(arguments: propertySeeds) func `a positive definite matrix is L L'`(seed: UInt64) throws {
        var (random, batch) = random(seed, "cholesky")
        let size = 1 + random.below(6)
        let half = random.tensor(Shape(batch.extents + [size, size + 2]))
        let a = times(half, transposed(half))

        let factor = try run("Cholesky", a)[0]

        expectEqual([times(factor, transposed(factor))], [a], close)
    }

    @Test func `singular matrices give NaN, and 0 for a determinant`() throws {
        let singular = d([2, 2], 1, 2, 2, 4)
        let nothing = d([2, 2], .nan, .nan, .nan, .nan)

        expectEqual(try run("Inverse", singular), [nothing])
        expectEqual(try run("Solve", singular, d([2, 1], 1, 2)), [d([2, 1], .nan, .nan)])
        expectEqual(try run("LogDeterminant", singular), [d([], 0), d([], -.infinity)])
        expectEqual(try run("Cholesky", d([2, 2], 1, 2, 2, 1)), [nothing])
        for name in ["Inverse", "Cholesky", "Pinverse"] {
            expectEqual(try run(name, d([2, 2], 1, .nan, .nan, 1)), [nothing])
        }
        #expect(try run("SVD", d([1, 1], .infinity)).allSatisfy { $0.doubles.allSatisfy(\.isNaN) })
        #expect(try run("Eig", d([1, 1], .nan)).allSatisfy { $0.doubles.allSatisfy(\.isNaN) })
    }

    @Test func `defective and repeated eigenvalues end`() throws {
        for a in [
            d([3, 3], 1, 1, 0, 0, 1, 1, 0, 0, 1), d([3, 3], 0, 0, 1, 1, 0, 0, 0, 1, 0),
            d([2, 2], 0, 0, 0, 0),
            d([2, 2], 1e200, 1e200, -1e200, 1e200), d([2, 2], 1e-200, 0, 0, 1e-200),
        ] {
            let eigen = try run("Eig", a)
            #expect(eigen.allSatisfy { $0.doubles.allSatisfy(\.isFinite) })
            #expect(try run("SVD", a).allSatisfy { $0.doubles.allSatisfy(\.isFinite) })
        }
    }

    @Test func `empty matrices and empty batches have empty results`() throws {
        let empty = HostTensor(zeros: TensorType(.float64, [0, 0]))
        for name in ["Inverse", "Cholesky", "QR", "SVD", "Eigh", "Eig", "Pinverse"] {
            let results = try run(name, empty)
            #expect(results.allSatisfy { $0.type.shape.count == 0 })
            #expect(try run(name, HostTensor(zeros: TensorType(.float64, [0, 2, 2]))).count == results.count)
        }
        expectEqual(try run("LogDeterminant", empty), [d([], 1), d([], 0)])
        expectEqual(try run("Trace", empty), [d([], 0)])
        #expect(try run("MatrixRank", empty)[0].integers == [0])
    }

    @Test(arguments: [
        ModelCall("Inverse", in: .heng, [d([2, 3], 1, 2, 3, 4, 5, 6)]),
        ModelCall("Inverse", in: .heng, [d([2], 1, 2)]),
        ModelCall("Solve", in: .heng, [d([2, 2], 1, 2, 3, 4), d([3], 1, 2, 3)]),
        ModelCall("Solve", in: .heng, [d([2, 1, 1], 1, 2), d([3, 1, 1], 1, 2, 3)]),
        ModelCall("Dot", in: .heng, [d([2], 1, 2), d([3], 1, 2, 3)]),
        ModelCall("Outer", in: .heng, [d([], 1), d([3], 1, 2, 3)]),
        ModelCall("Kron", in: .heng, [d([1], 1), d([1, 1], 1)]),
    ])
    func `what does not fit is refused`(call: ModelCall) {
        #expect(throws: GraphError.self) { try call.run() }
    }
}
