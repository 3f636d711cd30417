/// The triangular L, with a positive diagonal, of A = L L' for symmetric positive definite matrices.
///
/// Only the lower triangle of A is read. All NaN where A is not positive definite.
package struct Cholesky: MatrixOperator {
    package static let name = "Cholesky"
    /// Whether the result is L', upper triangular.
    package var isUpper: Bool

    package init(isUpper: Bool = false) { self.isUpper = isUpper }

    package func outputs(
        rows: Int, columns: Int
    ) throws(GraphError) -> [(element: ElementType?, extents: [Int])] {
        try requireSquare(rows, columns)
        return [(nil, [rows, rows])]
    }

    package func values(_ a: [Double], rows: Int, columns: Int, element: ElementType) -> [[Double]] {
        let matrix = Matrix(rows, rows, a)
        var factor = Matrix(zeros: rows, rows)
        for row in 0..<rows {
            for column in 0...row {
                let known = (0..<column).reduce(0) { $0 + factor[row, $1] * factor[column, $1] }
                let rest = matrix[row, column] - known
                guard row == column else {
                    factor[row, column] = rest / factor[column, column]
                    continue
                }
                guard rest > 0 else { return [a.map { _ in .nan }] }
                factor[row, row] = rest.squareRoot()
            }
        }
        return [isUpper ? factor.transposed.elements : factor.elements]
    }

    package func multiplications(rows: Int, columns: Int) -> Int { rows * rows * rows / 6 }
}

extension Cholesky: ModelOperator {
    package static let schema = OperatorSchema(
        "Cholesky", domain: .heng, "The triangular factor of each symmetric positive definite matrix.",
        inputs: [.required("A", .realFields, "[..., n, n]; only the lower triangle is read")],
        outputs: [
            .required(
                "L", .realFields,
                "[..., n, n], lower triangular with a positive diagonal, L L' = A; NaN where A is not positive definite"
            )
        ],
        attributes: [.int("upper", 0, "whether the result is L', upper triangular")])

    package func written(inputs: [TensorType], outputs: [TensorType]) -> WrittenCall? {
        WrittenCall(Self.schema, ["upper": .flag(isUpper)], operands: inputs)
    }

    package static func build(_ call: OperatorCall, in graph: inout GraphBuilder) throws -> [GraphValue] {
        [.tensor(try graph.add(Cholesky(isUpper: call.flag("upper")), [call.input(0)]))]
    }
}
