#if canImport(Glibc)
internal import Glibc
#endif

/// The input where it is positive, else `alpha * (exp(x) - 1)`; a NaN stays a NaN.
package struct Elu: ElementwiseOperator {
    package static let schema = OperatorSchema.elementwise(
        "Elu", since: 1, "The input where it is positive, else `alpha * (exp(X) - 1)`.", .floats,
        attributes: [.float("alpha", 1, "how far negative results go")])
    package static let operationsPerElement = 2
    package var alpha: Double

    package init(alpha: Double = 1) {
        self.alpha = alpha
    }

    package init(_ call: OperatorCall) throws {
        self.init(alpha: try call.float("alpha"))
    }

    package func value(at x: Double) -> Double { x > 0 ? x : alpha * expm1(x) }

    package static let hasGradient = true

    package func gradient(
        of node: Node, outputGradients: [ValueID?], in builder: inout GraphBuilder
    ) throws(GraphError) -> [ValueID?] {
        guard let gradient = outputGradients[0] else { return [nil] }
        // The slope is y + alpha = alpha exp(x) where x is not positive.
        let (x, y) = (node.inputs[0], node.outputs[0])
        let slope = try builder.add(Add(), [y, builder.number(alpha, like: y)])
        let bent = try builder.add(Mul(), [gradient, slope])
        let isPositive = try builder.add(Greater(), [x, builder.number(0, like: x)])
        return [try builder.add(Where(), [isPositive, gradient, bent])]
    }
}
