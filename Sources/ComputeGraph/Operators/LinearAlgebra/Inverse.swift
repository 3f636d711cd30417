/// The inverse of each square matrix; all NaN where an exact zero among the pivots says that it has none.
package struct Inverse: MatrixOperator {
    package static let name = "Inverse"

    package init() {}

    package func outputs(
        rows: Int, columns: Int
    ) throws(GraphError) -> [(element: ElementType?, extents: [Int])] {
        try requireSquare(rows, columns)
        return [(nil, [rows, rows])]
    }

    package func values(_ a: [Double], rows: Int, columns: Int, element: ElementType) -> [[Double]] {
        [LUFactors(Matrix(rows, rows, a)).solve(Matrix(identity: rows)).elements]
    }

    package func multiplications(rows: Int, columns: Int) -> Int { rows * rows * rows }

    package static let hasGradient = true

    package func gradient(
        of node: Node, outputGradients: [ValueID?], in builder: inout GraphBuilder
    ) throws(GraphError) -> [ValueID?] {
        guard let gradient = outputGradients[0] else { return [nil] }
        let inverse = node.outputs[0]
        let left = try builder.add(MatMul(transposesLeft: true), [inverse, gradient])
        return [try builder.add(Neg(), [try builder.add(MatMul(transposesRight: true), [left, inverse])])]
    }
}

extension Inverse: ModelOperator {
    package static let schema = OperatorSchema(
        "Inverse", domain: .heng, "The inverse of each matrix.",
        inputs: [.required("A", .realFields, "[..., n, n]")],
        outputs: [.required("X", .realFields, "[..., n, n]; NaN where A is singular or not finite")])

    package static func build(_ call: OperatorCall, in graph: inout GraphBuilder) throws -> [GraphValue] {
        [.tensor(try graph.add(Inverse(), [call.input(0)]))]
    }
}
