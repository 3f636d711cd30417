import ComputeGraph
import Essentials
import TestSupport

/// Random cases of linear algebra whose results are well-conditioned, so that float32 can come close to them.
extension KernelCases {
    static let linearAlgebra: [(name: String, make: Maker)] = makers(of: .float32)

    static func makers(of element: ElementType) -> [(name: String, make: Maker)] {
        [
            ("Inverse", { KernelCase(Inverse(), [$0.square($0.batch(), element)]) }),
            (
                "Solve",
                { random in
                    let a = random.square(random.batch(), element)
                    return KernelCase(Solve(), [a, random.sides(of: a)])
                }
            ),
            (
                "LeastSquares",
                { random in
                    let a = random.rectangle(random.batch(), element)
                    return KernelCase(LeastSquares(), [a, random.sides(of: a)])
                }
            ),
            ("LogDeterminant", { KernelCase(LogDeterminant(), [$0.square($0.batch(), element)]) }),
            (
                "Cholesky",
                { random in
                    let a = random.square(random.batch(), element)
                    return KernelCase(Cholesky(isUpper: random.below(2) == 0), [a.timesItsTranspose])
                }
            ),
            ("QR", { KernelCase(QR(), [$0.rectangle($0.batch(), element)]) }),
            ("SVD", { KernelCase(SVD(), [$0.rectangle($0.batch(), element)]) }),
            (
                "MatrixRank",
                { random in
                    let half = random.rectangle([], element)
                    return KernelCase(MatrixRank(tolerance: 1e-4), [half.timesItsTranspose])
                }
            ),
            (
                "Pinverse",
                { random in
                    let half = random.rectangle([], element)
                    return KernelCase(
                        Pinverse(tolerance: 1e-4), [random.below(2) == 0 ? half : half.timesItsTranspose])
                }
            ),
            ("Eigh", { KernelCase(Eigh(), [$0.symmetric($0.batch(), element)]) }),
            ("Eig", { KernelCase(Eig(), [$0.separated($0.batch(), element)]) }),
        ]
    }
}

extension SeededGenerator {
    fileprivate mutating func batch() -> Shape { Shape((0..<below(3)).map { _ in upTo(4) }) }

    /// A matrix with a heavy diagonal of one place each, far from each other.
    private mutating func matrices(
        _ batch: Shape, rows: Int, columns: Int, _ element: ElementType, diagonal: (Int) -> Double
    ) -> HostTensor {
        let shape = Shape(batch.extents + [rows, columns])
        let values = (0..<shape.count).map { index in
            let (row, column) = (index / columns % rows, index % columns)
            return 0.3 * normal() / Double(max(rows, columns)).squareRoot()
                + (row == column ? diagonal(row) : 0)
        }
        return HostTensor(TensorType(element, shape), doubles: values)
    }

    fileprivate mutating func square(_ batch: Shape, _ element: ElementType) -> HostTensor {
        let size = upTo(12)
        let sign = below(2) == 0 ? 1.0 : -1
        return matrices(batch, rows: size, columns: size, element) { $0 == 0 ? 2 * sign : 2 }
    }

    /// Its singular values are far apart.
    fileprivate mutating func rectangle(_ batch: Shape, _ element: ElementType) -> HostTensor {
        matrices(batch, rows: upTo(12), columns: upTo(12), element) { 2 + Double($0) }
    }

    fileprivate mutating func symmetric(_ batch: Shape, _ element: ElementType) -> HostTensor {
        let size = upTo(12)
        // Only the lower triangle is read.
        return matrices(batch, rows: size, columns: size, element) { 2 * Double($0) - 5 }
    }

    /// Real eigenvalues and, in the first two rows, a conjugate pair, far from each other.
    fileprivate mutating func separated(_ batch: Shape, _ element: ElementType) -> HostTensor {
        let size = upTo(10)
        var tensor = matrices(batch, rows: size, columns: size, element) { 3 * Double(max($0, 1)) }
        guard size > 1 else { return tensor }
        var values = tensor.doubles
        for matrix in 0..<batch.count {
            values[matrix * size * size + 1] += 2
            values[matrix * size * size + size] -= 2
        }
        tensor = HostTensor(tensor.type, doubles: values)
        return tensor
    }

    fileprivate mutating func sides(of a: HostTensor) -> HostTensor {
        var extents = a.type.shape.extents
        extents[extents.count - 1] = upTo(5)
        extents.removeFirst(below(max(extents.count - 1, 1)))
        let shape = Shape(extents)
        return HostTensor(
            TensorType(a.type.element, shape), doubles: (0..<shape.count).map { _ in normal() })
    }
}

extension HostTensor {
    fileprivate var timesItsTranspose: HostTensor {
        MatMul(transposesRight: true).reference([self, self])[0]
    }
}
