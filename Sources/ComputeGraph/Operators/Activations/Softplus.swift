#if canImport(Glibc)
internal import Glibc
#endif

/// `log(1 + exp(x))`, which does not overflow; a NaN stays a NaN.
package struct Softplus: ElementwiseOperator, PlainOperator {
    package static let schema = OperatorSchema.elementwise(
        "Softplus", since: 1, "`log(1 + exp(X))`, which does not overflow.", .floats)
    package static let operationsPerElement = 3

    package init() {}

    package func value(at x: Double) -> Double { x > 0 ? x + log1p(exp(-x)) : log1p(exp(x)) }

    package static let hasGradient = true

    package func gradient(
        of node: Node, outputGradients: [ValueID?], in builder: inout GraphBuilder
    ) throws(GraphError) -> [ValueID?] {
        guard let gradient = outputGradients[0] else { return [nil] }
        let slope = try builder.add(Sigmoid(), [node.inputs[0]])
        return [try builder.add(Mul(), [gradient, slope])]
    }
}
