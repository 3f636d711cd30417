/// How many singular values of each matrix are above `tolerance` times the largest; 0 where it is not finite.
package struct MatrixRank: MatrixOperator {
    package static let name = "MatrixRank"
    /// nil means the larger extent times the element type's rounding unit.
    package var tolerance: Double?

    package init(tolerance: Double? = nil) { self.tolerance = tolerance }

    package func outputs(
        rows: Int, columns: Int
    ) throws(GraphError) -> [(element: ElementType?, extents: [Int])] { [(.int64, [])] }

    package func values(_ a: [Double], rows: Int, columns: Int, element: ElementType) -> [[Double]] {
        let inverse = JacobiSVD(Matrix(rows, columns, a)).inverseValues(
            tolerance: singularTolerance(tolerance, rows, columns, element))
        return [[Double(inverse.count { $0 != 0 })]]
    }

    package func multiplications(rows: Int, columns: Int) -> Int { 4 * rows * columns * min(rows, columns) }
    package func exactness(for inputs: [TensorType]) -> Exactness { .exact }
}

extension MatrixRank: ModelOperator {
    package static let schema = OperatorSchema(
        "MatrixRank", domain: .heng, "The rank of each matrix.",
        inputs: [.required("A", .realFields, "[..., m, n]")],
        outputs: [.required("rank", .int64, "the leading axes of A")],
        attributes: [.tolerance])

    package func written(inputs: [TensorType], outputs: [TensorType]) -> WrittenCall? {
        WrittenCall(Self.schema, tolerance.map { ["rtol": .float($0)] } ?? [:], operands: inputs)
    }

    package static func build(_ call: OperatorCall, in graph: inout GraphBuilder) throws -> [GraphValue] {
        let rank = MatrixRank(tolerance: try call.optionalFloat("rtol"))
        return [.tensor(try graph.add(rank, [call.input(0)]))]
    }
}
