/// The mean of the operands, element by element with NumPy's broadcasting; a NaN in any gives NaN.
package struct Mean: VariadicOperator, PlainOperator {
    package static let schema = OperatorSchema.variadic(
        "Mean", "The mean of all inputs, element by element.", .floats, result: "mean")

    package init() {}

    package func value(_ folded: Double, _ next: Double) -> Double { folded + next }
    package func finished(_ folded: Double, operands: Int) -> Double { folded / Double(operands) }

    package static let hasGradient = true

    package func gradient(
        of node: Node, outputGradients: [ValueID?], in builder: inout GraphBuilder
    ) throws(GraphError) -> [ValueID?] {
        guard let gradient = outputGradients[0] else { return node.inputs.map { _ in nil } }
        let part = try builder.scaled(gradient, by: 1 / Double(node.inputs.count))
        return try builder.reduced(part, toShapesOf: node.inputs)
    }
}
