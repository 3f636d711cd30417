/// The complex eigenvalues and unit eigenvectors of each square matrix.
///
/// Complex numbers are pairs of real and imaginary part on a last axis of 2, as in ONNX's `DFT`. The values rise by
/// their real part, then by their imaginary part; the first of the largest entries of each vector is real and
/// positive, which leaves one result where no two eigenvalues are equal. NaN where A is not finite.
package struct Eig: MatrixOperator {
    package static let name = "Eig"

    package init() {}

    package func outputs(
        rows: Int, columns: Int
    ) throws(GraphError) -> [(element: ElementType?, extents: [Int])] {
        try requireSquare(rows, columns)
        return [(nil, [rows, 2]), (nil, [rows, rows, 2])]
    }

    package func values(_ a: [Double], rows: Int, columns: Int, element: ElementType) -> [[Double]] {
        let eigen = GeneralEigen(Matrix(rows, rows, a))
        let vectors = (0..<rows).flatMap { row in
            eigen.vectors.flatMap { [$0[row].real, $0[row].imaginary] }
        }
        return [eigen.values.flatMap { [$0.real, $0.imaginary] }, vectors]
    }

    package func multiplications(rows: Int, columns: Int) -> Int { 25 * rows * rows * rows }
}

extension Eig: ModelOperator {
    package static let schema = OperatorSchema(
        "Eig", domain: .heng, "The complex eigenvalues and eigenvectors of each square matrix.",
        inputs: [.required("A", .realFields, "[..., n, n]")],
        outputs: [
            .required("W", .realFields, "[..., n, 2]: the eigenvalues by rising real, then imaginary part"),
            .required("V", .realFields, "[..., n, n, 2]: the unit eigenvectors as columns"),
        ])

    package static func build(_ call: OperatorCall, in graph: inout GraphBuilder) throws -> [GraphValue] {
        try graph.addNode(Eig(), [call.input(0)]).map { .tensor($0) }
    }
}
