/// The eigenvalues, rising, and unit eigenvectors of each symmetric matrix.
///
/// Only the lower triangle is read. The first of the largest entries of each vector is positive, which leaves one
/// result where no two eigenvalues are equal. NaN where A is not finite.
package struct Eigh: MatrixOperator {
    package static let name = "Eigh"

    package init() {}

    package func outputs(
        rows: Int, columns: Int
    ) throws(GraphError) -> [(element: ElementType?, extents: [Int])] {
        try requireSquare(rows, columns)
        return [(nil, [rows]), (nil, [rows, rows])]
    }

    package func values(_ a: [Double], rows: Int, columns: Int, element: ElementType) -> [[Double]] {
        let eigen = SymmetricEigen(Matrix(rows, rows, a))
        return [eigen.values, eigen.vectors.elements]
    }

    package func multiplications(rows: Int, columns: Int) -> Int { 9 * rows * rows * rows }
}

extension Eigh: ModelOperator {
    package static let schema = OperatorSchema(
        "Eigh", domain: .heng, "The eigenvalues and eigenvectors of each symmetric matrix.",
        inputs: [.required("A", .realFields, "[..., n, n]; only the lower triangle is read")],
        outputs: [
            .required("W", .realFields, "[..., n]: the eigenvalues, rising"),
            .required("V", .realFields, "[..., n, n]: the unit eigenvectors as columns"),
        ])

    package static func build(_ call: OperatorCall, in graph: inout GraphBuilder) throws -> [GraphValue] {
        try graph.addNode(Eigh(), [call.input(0)]).map { .tensor($0) }
    }
}
