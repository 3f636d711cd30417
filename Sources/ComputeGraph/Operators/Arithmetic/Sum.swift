/// The sum of the operands, element by element with NumPy's broadcasting; a NaN in any gives NaN.
package struct Sum: VariadicOperator, PlainOperator {
    package static let schema = OperatorSchema.variadic(
        "Sum", "The sum of all inputs, element by element.", .floats, result: "sum")

    package init() {}

    package func value(_ folded: Double, _ next: Double) -> Double { folded + next }

    package static let hasGradient = true

    package func gradient(
        of node: Node, outputGradients: [ValueID?], in builder: inout GraphBuilder
    ) throws(GraphError) -> [ValueID?] {
        guard let gradient = outputGradients[0] else { return node.inputs.map { _ in nil } }
        return try builder.reduced(gradient, toShapesOf: node.inputs)
    }
}
