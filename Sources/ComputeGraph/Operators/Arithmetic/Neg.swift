/// The negated input; a NaN stays a NaN, and the least integer stays as it is.
package struct Neg: ElementwiseOperator, PlainOperator {
    package static let schema = OperatorSchema.elementwise(
        "Neg", since: 1, "The negated input.", [.floats, .signed])

    package init() {}

    package func value(at x: Double) -> Double { -x }
    package func whole(at x: Int128) -> Int128 { -x }

    package static let hasGradient = true

    package func gradient(
        of node: Node, outputGradients: [ValueID?], in builder: inout GraphBuilder
    ) throws(GraphError) -> [ValueID?] {
        guard let gradient = outputGradients[0] else { return [nil] }
        return [try builder.add(Neg(), [gradient])]
    }
}
