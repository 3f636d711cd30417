/// The X of A X = B for square matrices A; all NaN where A is singular or one of both is not finite.
///
/// The axes before the two last broadcast.
package struct Solve: MatrixPairReference {
    package static let name = "Solve"

    package init() {}

    package func resultRows(rows: Int, columns: Int) throws(GraphError) -> Int {
        try require(rows == columns, "takes square matrices A, not \(rows) x \(columns)")
        return rows
    }

    func values(_ a: Matrix, _ b: Matrix, element: ElementType) -> Matrix { LUFactors(a).solve(b) }

    package static let hasGradient = true

    package func gradient(
        of node: Node, outputGradients: [ValueID?], in builder: inout GraphBuilder
    ) throws(GraphError) -> [ValueID?] {
        guard let gradient = outputGradients[0] else { return [nil, nil] }
        let (a, b) = (node.inputs[0], node.inputs[1])
        let rank = builder.type(of: a).shape.rank
        let swapped = try builder.add(
            Transpose(Array(0..<(rank - 2)) + [rank - 1, rank - 2]), [a])
        let byRight = try builder.add(Solve(), [swapped, gradient])
        let product = try builder.add(MatMul(transposesRight: true), [byRight, node.outputs[0]])
        return [
            try builder.reduced(try builder.add(Neg(), [product]), toShapeOf: a),
            try builder.reduced(byRight, toShapeOf: b),
        ]
    }
}

extension Solve: ModelOperator {
    package static let schema = OperatorSchema(
        "Solve", domain: .heng, "The solution of linear equations.",
        inputs: [
            .required("A", .realFields, "[..., n, n]"),
            .required(
                "B", .realFields, "[..., n, k], or [n] for one right side; leading axes broadcast with A's"),
        ],
        outputs: [.required("X", .realFields, "the shape of B, broadcast; NaN where A is singular")])

    package static func build(_ call: OperatorCall, in graph: inout GraphBuilder) throws -> [GraphValue] {
        [.tensor(try call.solution(Solve(), in: &graph))]
    }
}
