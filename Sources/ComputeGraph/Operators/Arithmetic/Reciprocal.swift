/// One divided by the input; 0 gives an infinity of its sign, and a NaN stays a NaN.
package struct Reciprocal: ElementwiseOperator, PlainOperator {
    package static let schema = OperatorSchema.elementwise(
        "Reciprocal", since: 1, "One divided by the input.", .floats)

    package init() {}

    package func value(at x: Double) -> Double { 1 / x }

    package static let hasGradient = true

    package func gradient(
        of node: Node, outputGradients: [ValueID?], in builder: inout GraphBuilder
    ) throws(GraphError) -> [ValueID?] {
        guard let gradient = outputGradients[0] else { return [nil] }
        let squared = try builder.add(Mul(), [node.outputs[0], node.outputs[0]])
        let taken = try builder.add(Mul(), [gradient, squared])
        return [try builder.add(Neg(), [taken])]
    }
}
