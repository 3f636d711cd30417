#if canImport(Glibc)
internal import Glibc
#endif

/// The exponential function; a NaN stays a NaN, and what is too large becomes infinite.
package struct Exp: ElementwiseOperator, PlainOperator {
    package static let schema = OperatorSchema.elementwise(
        "Exp", since: 1, "The exponential function.", .floats, names: ("input", "output"))

    package init() {}

    package func value(at x: Double) -> Double { exp(x) }

    package static let hasGradient = true

    package func gradient(
        of node: Node, outputGradients: [ValueID?], in builder: inout GraphBuilder
    ) throws(GraphError) -> [ValueID?] {
        guard let gradient = outputGradients[0] else { return [nil] }
        return [try builder.add(Mul(), [gradient, node.outputs[0]])]
    }
}
