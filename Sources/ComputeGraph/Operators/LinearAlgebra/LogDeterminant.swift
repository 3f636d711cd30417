/// The sign of each determinant and the logarithm of its magnitude, which does not overflow.
///
/// 0 and -infinity where the matrix is singular; NaN where it is not finite.
package struct LogDeterminant: MatrixOperator {
    package static let name = "LogDeterminant"

    package init() {}

    package func outputs(
        rows: Int, columns: Int
    ) throws(GraphError) -> [(element: ElementType?, extents: [Int])] {
        try requireSquare(rows, columns)
        return [(nil, []), (nil, [])]
    }

    package func values(_ a: [Double], rows: Int, columns: Int, element: ElementType) -> [[Double]] {
        let (sign, logarithm) = LUFactors(Matrix(rows, rows, a)).logDeterminant
        return [[sign], [logarithm]]
    }

    package func multiplications(rows: Int, columns: Int) -> Int { rows * rows * rows / 3 }

    package static let hasGradient = true

    package func gradient(
        of node: Node, outputGradients: [ValueID?], in builder: inout GraphBuilder
    ) throws(GraphError) -> [ValueID?] {
        guard let gradient = outputGradients[1] else { return [nil] }
        let shape = builder.type(of: node.inputs[0]).shape
        let spread = try builder.add(
            Reshape(shape.extents.dropLast(2) + [1, 1], allowsZero: true), [gradient])
        let inverse = try builder.add(Inverse(), [node.inputs[0]])
        let swapped = try builder.add(
            Transpose(Array(0..<(shape.rank - 2)) + [shape.rank - 1, shape.rank - 2]), [inverse])
        return [try builder.add(Mul(), [swapped, spread])]
    }
}

extension LogDeterminant: ModelOperator {
    package static let schema = OperatorSchema(
        "LogDeterminant", domain: .heng, "The sign and the logarithm of the magnitude of each determinant.",
        inputs: [.required("A", .realFields, "[..., n, n]")],
        outputs: [
            .required("sign", .realFields, "the leading axes of A: -1, 0 or 1"),
            .required("logabsdet", .realFields, "the leading axes of A; -infinity where A is singular"),
        ])

    package static func build(_ call: OperatorCall, in graph: inout GraphBuilder) throws -> [GraphValue] {
        try graph.addNode(LogDeterminant(), [call.input(0)]).map { .tensor($0) }
    }
}
