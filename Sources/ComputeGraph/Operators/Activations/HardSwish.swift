/// `x` times `x / 6 + 1/2` held between 0 and 1; a NaN stays a NaN.
package struct HardSwish: ElementwiseOperator, PlainOperator {
    package static let schema = OperatorSchema.elementwise(
        "HardSwish", since: 14, "X times `X / 6 + 1/2` held between 0 and 1.", .floats)
    package static let operationsPerElement = 4

    package init() {}

    package func value(at x: Double) -> Double { x * (x / 6 + 0.5).held(between: 0, and: 1) }

    package static let hasGradient = true

    package func gradient(
        of node: Node, outputGradients: [ValueID?], in builder: inout GraphBuilder
    ) throws(GraphError) -> [ValueID?] {
        guard let gradient = outputGradients[0] else { return [nil] }
        // 0 to the left of -3, 1 to the right of 3, and x / 3 + 1/2 between them.
        let x = node.inputs[0]
        let third = try builder.scaled(x, by: 1.0 / 3)
        let slope = try builder.add(Add(), [third, builder.number(0.5, like: x)])
        let bent = try builder.add(Mul(), [gradient, slope])
        let isRight = try builder.add(Greater(), [x, builder.number(3, like: x)])
        let isLeft = try builder.add(Less(), [x, builder.number(-3, like: x)])
        let flat = try builder.add(Where(), [isLeft, builder.number(0, like: x), bent])
        return [try builder.add(Where(), [isRight, gradient, flat])]
    }
}
