/// `x / (1 + |x|)`; an infinity or NaN gives NaN.
package struct Softsign: ElementwiseOperator, PlainOperator {
    package static let schema = OperatorSchema.elementwise(
        "Softsign", since: 1, "`input / (1 + |input|)`.", .floats, names: ("input", "output"))
    package static let operationsPerElement = 3

    package init() {}

    package func value(at x: Double) -> Double { x / (1 + abs(x)) }

    package static let hasGradient = true

    package func gradient(
        of node: Node, outputGradients: [ValueID?], in builder: inout GraphBuilder
    ) throws(GraphError) -> [ValueID?] {
        guard let gradient = outputGradients[0] else { return [nil] }
        // 1 - |y| = 1 / (1 + |x|), and the slope is its square.
        let size = try builder.add(Abs(), [node.outputs[0]])
        let root = try builder.add(Sub(), [builder.number(1, like: size), size])
        let scaled = try builder.add(Mul(), [gradient, root])
        return [try builder.add(Mul(), [scaled, root])]
    }
}
