/// One divided by the square root; 0 gives infinity, a negative number or NaN gives NaN.
package struct Rsqrt: ElementwiseOperator, PlainOperator {
    package static let schema = OperatorSchema.elementwise(
        "Rsqrt", domain: .heng, since: 1, "One divided by the square root.", .floats)
    package static let operationsPerElement = 2

    package init() {}

    package func value(at x: Double) -> Double { 1 / x.squareRoot() }

    package static let hasGradient = true

    package func gradient(
        of node: Node, outputGradients: [ValueID?], in builder: inout GraphBuilder
    ) throws(GraphError) -> [ValueID?] {
        guard let gradient = outputGradients[0] else { return [nil] }
        // -g y / (2 x)
        let scaled = try builder.add(Mul(), [gradient, node.outputs[0]])
        let quotient = try builder.add(Div(), [scaled, node.inputs[0]])
        return [try builder.scaled(quotient, by: -0.5)]
    }
}
