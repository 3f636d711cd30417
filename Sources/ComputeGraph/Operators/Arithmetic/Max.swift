/// The greatest of the operands, element by element with NumPy's broadcasting; a NaN in any gives NaN.
package struct Max: VariadicOperator, PlainOperator {
    package static let schema = OperatorSchema.variadic(
        "Max", "The greatest of all inputs, element by element; a NaN in any gives NaN.", .numbers,
        result: "max")

    package init() {}

    package func value(_ folded: Double, _ next: Double) -> Double {
        folded.isNaN || folded > next ? folded : next
    }
    package func whole(_ folded: Int128, _ next: Int128) -> Int128 { max(folded, next) }

    package static let hasGradient = true

    package func gradient(
        of node: Node, outputGradients: [ValueID?], in builder: inout GraphBuilder
    ) throws(GraphError) -> [ValueID?] {
        guard let gradient = outputGradients[0] else { return node.inputs.map { _ in nil } }
        return try gradientsOfChosen(of: node, gradient, in: &builder)
    }
}
