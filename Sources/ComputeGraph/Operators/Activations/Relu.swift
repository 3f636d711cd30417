/// The input where it is positive, else 0; a NaN stays a NaN.
package struct Relu: ElementwiseOperator, PlainOperator {
    package static let schema = OperatorSchema.elementwise(
        "Relu", since: 1, "The input where it is positive, else 0.", [.floats, .signed])

    package init() {}

    package func value(at x: Double) -> Double { x > 0 || x.isNaN ? x : 0 }
    package func whole(at x: Int128) -> Int128 { max(x, 0) }

    package static let hasGradient = true

    package func gradient(
        of node: Node, outputGradients: [ValueID?], in builder: inout GraphBuilder
    ) throws(GraphError) -> [ValueID?] {
        guard let gradient = outputGradients[0] else { return [nil] }
        return [try builder.add(ReluGradient(), [gradient, node.outputs[0]])]
    }
}
