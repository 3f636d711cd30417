/// The singular values, falling, and singular vectors of each matrix: A = U diag(S) Vh.
///
/// The first of the largest entries of each left vector is positive, which leaves one result where no two singular
/// values are equal and none is 0. NaN where A is not finite.
package struct SVD: MatrixOperator {
    package static let name = "SVD"

    package init() {}

    package func outputs(
        rows: Int, columns: Int
    ) throws(GraphError) -> [(element: ElementType?, extents: [Int])] {
        let size = min(rows, columns)
        return [(nil, [rows, size]), (nil, [size]), (nil, [size, columns])]
    }

    package func values(_ a: [Double], rows: Int, columns: Int, element: ElementType) -> [[Double]] {
        let factors = JacobiSVD(Matrix(rows, columns, a))
        return [factors.u.elements, factors.values, factors.vh.elements]
    }

    package func multiplications(rows: Int, columns: Int) -> Int { 10 * rows * columns * min(rows, columns) }
}

extension SVD: ModelOperator {
    package static let schema = OperatorSchema(
        "SVD", domain: .heng, "The singular values and vectors of each matrix.",
        inputs: [.required("A", .realFields, "[..., m, n]")],
        outputs: [
            .required("U", .realFields, "[..., m, k] with k = min(m, n): the left vectors as columns"),
            .required("S", .realFields, "[..., k]: the singular values, falling"),
            .required("Vh", .realFields, "[..., k, n]: the right vectors as rows; U diag(S) Vh = A"),
        ])

    package static func build(_ call: OperatorCall, in graph: inout GraphBuilder) throws -> [GraphValue] {
        try graph.addNode(SVD(), [call.input(0)]).map { .tensor($0) }
    }
}
