/// The input where it is not negative, else `alpha` times the input; a NaN stays a NaN.
package struct LeakyRelu: ElementwiseOperator {
    package static let schema = OperatorSchema.elementwise(
        "LeakyRelu", since: 1, "The input where it is not negative, else alpha times the input.", .floats,
        attributes: [.float("alpha", 0.01, "the slope of the negative side")])
    package var alpha: Double

    package init(alpha: Double = 0.01) {
        self.alpha = alpha
    }

    package init(_ call: OperatorCall) throws {
        self.init(alpha: try call.float("alpha"))
    }

    package func value(at x: Double) -> Double { x < 0 ? alpha * x : x }

    package static let hasGradient = true

    package func gradient(
        of node: Node, outputGradients: [ValueID?], in builder: inout GraphBuilder
    ) throws(GraphError) -> [ValueID?] {
        guard let gradient = outputGradients[0] else { return [nil] }
        let x = node.inputs[0]
        let isNegative = try builder.add(Less(), [x, builder.number(0, like: x)])
        let bent = try builder.scaled(gradient, by: alpha)
        return [try builder.add(Where(), [isNegative, bent, gradient])]
    }
}
