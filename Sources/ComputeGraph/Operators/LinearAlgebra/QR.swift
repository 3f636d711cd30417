/// Q with orthonormal columns and an upper triangular R, Q R = A.
///
/// No element on the diagonal of R is negative, which leaves one result where A has full rank. NaN where A is not
/// finite.
package struct QR: MatrixOperator {
    package static let name = "QR"

    package init() {}

    package func outputs(
        rows: Int, columns: Int
    ) throws(GraphError) -> [(element: ElementType?, extents: [Int])] {
        let size = min(rows, columns)
        return [(nil, [rows, size]), (nil, [size, columns])]
    }

    package func values(_ a: [Double], rows: Int, columns: Int, element: ElementType) -> [[Double]] {
        let factors = HouseholderQR(Matrix(rows, columns, a))
        return [factors.q.elements, factors.r.elements]
    }

    package func multiplications(rows: Int, columns: Int) -> Int { 2 * rows * columns * min(rows, columns) }
}

extension QR: ModelOperator {
    package static let schema = OperatorSchema(
        "QR", domain: .heng, "An orthonormal and a triangular factor of each matrix.",
        inputs: [.required("A", .realFields, "[..., m, n]")],
        outputs: [
            .required("Q", .realFields, "[..., m, min(m, n)], with orthonormal columns"),
            .required(
                "R", .realFields, "[..., min(m, n), n], upper triangular, no negative diagonal element"),
        ])

    package static func build(_ call: OperatorCall, in graph: inout GraphBuilder) throws -> [GraphValue] {
        try graph.addNode(QR(), [call.input(0)]).map { .tensor($0) }
    }
}
