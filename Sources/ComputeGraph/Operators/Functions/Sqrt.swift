/// The square root; a negative number or NaN gives NaN.
package struct Sqrt: ElementwiseOperator, PlainOperator {
    package static let schema = OperatorSchema.elementwise(
        "Sqrt", since: 1, "The square root.", .floats)

    package init() {}

    package func value(at x: Double) -> Double { x.squareRoot() }

    package static let hasGradient = true

    package func gradient(
        of node: Node, outputGradients: [ValueID?], in builder: inout GraphBuilder
    ) throws(GraphError) -> [ValueID?] {
        guard let gradient = outputGradients[0] else { return [nil] }
        let doubled = try builder.add(Add(), [node.outputs[0], node.outputs[0]])
        return [try builder.add(Div(), [gradient, doubled])]
    }
}
