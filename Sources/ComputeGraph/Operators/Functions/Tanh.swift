#if canImport(Glibc)
internal import Glibc
#endif

/// The hyperbolic tangent; a NaN stays a NaN.
package struct Tanh: ElementwiseOperator, PlainOperator {
    package static let schema = OperatorSchema.elementwise(
        "Tanh", since: 1, "The hyperbolic tangent.", .floats, names: ("input", "output"))

    package init() {}

    package func value(at x: Double) -> Double { tanh(x) }

    package static let hasGradient = true

    package func gradient(
        of node: Node, outputGradients: [ValueID?], in builder: inout GraphBuilder
    ) throws(GraphError) -> [ValueID?] {
        guard let gradient = outputGradients[0] else { return [nil] }
        // g (1 - y y), written without a constant.
        let y = node.outputs[0]
        let squared = try builder.add(Mul(), [y, y])
        let taken = try builder.add(Mul(), [gradient, squared])
        return [try builder.add(Sub(), [gradient, taken])]
    }
}
