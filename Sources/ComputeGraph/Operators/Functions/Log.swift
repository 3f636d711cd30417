#if canImport(Glibc)
internal import Glibc
#endif

/// The natural logarithm; 0 gives minus infinity, a negative number or NaN gives NaN.
package struct Log: ElementwiseOperator, PlainOperator {
    package static let schema = OperatorSchema.elementwise(
        "Log", since: 1, "The natural logarithm.", .floats, names: ("input", "output"))

    package init() {}

    package func value(at x: Double) -> Double { log(x) }

    package static let hasGradient = true

    package func gradient(
        of node: Node, outputGradients: [ValueID?], in builder: inout GraphBuilder
    ) throws(GraphError) -> [ValueID?] {
        guard let gradient = outputGradients[0] else { return [nil] }
        return [try builder.add(Div(), [gradient, node.inputs[0]])]
    }
}
