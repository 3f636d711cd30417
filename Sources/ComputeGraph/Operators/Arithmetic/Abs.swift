/// The absolute value; a NaN stays a NaN, and the least integer stays as it is.
package struct Abs: ElementwiseOperator, PlainOperator {
    package static let schema = OperatorSchema.elementwise(
        "Abs", since: 1, "The absolute value.", .numbers)

    package init() {}

    package func value(at x: Double) -> Double { abs(x) }
    package func whole(at x: Int128) -> Int128 { abs(x) }

    package static let hasGradient = true

    package func gradient(
        of node: Node, outputGradients: [ValueID?], in builder: inout GraphBuilder
    ) throws(GraphError) -> [ValueID?] {
        guard let gradient = outputGradients[0] else { return [nil] }
        let sign = try builder.add(Sign(), [node.inputs[0]])
        return [try builder.add(Mul(), [gradient, sign])]
    }
}
