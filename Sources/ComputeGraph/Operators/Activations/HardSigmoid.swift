/// `alpha * x + beta`, held between 0 and 1; a NaN stays a NaN.
package struct HardSigmoid: ElementwiseOperator {
    package static let schema = OperatorSchema.elementwise(
        "HardSigmoid", since: 1, "`alpha * X + beta`, held between 0 and 1.", .floats,
        attributes: [.float("alpha", 0.2, "the slope"), .float("beta", 0.5, "the value at 0")])
    package static let operationsPerElement = 3
    package var alpha: Double
    package var beta: Double

    package init(alpha: Double = 0.2, beta: Double = 0.5) {
        self.alpha = alpha
        self.beta = beta
    }

    package init(_ call: OperatorCall) throws {
        self.init(alpha: try call.float("alpha"), beta: try call.float("beta"))
    }

    package func value(at x: Double) -> Double { (alpha * x + beta).held(between: 0, and: 1) }

    package static let hasGradient = true

    package func gradient(
        of node: Node, outputGradients: [ValueID?], in builder: inout GraphBuilder
    ) throws(GraphError) -> [ValueID?] {
        guard let gradient = outputGradients[0] else { return [nil] }
        let y = node.outputs[0]
        let isAbove = try builder.add(Greater(), [y, builder.number(0, like: y)])
        let isBelow = try builder.add(Less(), [y, builder.number(1, like: y)])
        let isInside = try builder.add(And(), [isAbove, isBelow])
        return [try builder.kept(try builder.scaled(gradient, by: alpha), where: isInside)]
    }
}
