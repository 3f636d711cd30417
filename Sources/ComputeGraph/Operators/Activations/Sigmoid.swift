#if canImport(Glibc)
internal import Glibc
#endif

/// The logistic function `1 / (1 + exp(-x))`; a NaN stays a NaN.
package struct Sigmoid: ElementwiseOperator, PlainOperator {
    package static let schema = OperatorSchema.elementwise(
        "Sigmoid", since: 1, "The logistic function `1 / (1 + exp(-X))`.", .floats)
    package static let operationsPerElement = 3

    package init() {}

    package func value(at x: Double) -> Double { 1 / (1 + exp(-x)) }

    package static let hasGradient = true

    package func gradient(
        of node: Node, outputGradients: [ValueID?], in builder: inout GraphBuilder
    ) throws(GraphError) -> [ValueID?] {
        guard let gradient = outputGradients[0] else { return [nil] }
        // g y (1 - y), written without a constant.
        let y = node.outputs[0]
        let scaled = try builder.add(Mul(), [gradient, y])
        let taken = try builder.add(Mul(), [scaled, y])
        return [try builder.add(Sub(), [scaled, taken])]
    }
}
