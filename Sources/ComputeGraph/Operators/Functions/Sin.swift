#if canImport(Glibc)
internal import Glibc
#endif

/// The sine of an angle in radians; an infinity or NaN gives NaN.
package struct Sin: ElementwiseOperator, PlainOperator {
    package static let schema = OperatorSchema.elementwise(
        "Sin", since: 7, "The sine of an angle in radians.", .floats, names: ("input", "output"))

    package init() {}

    package func value(at x: Double) -> Double { sin(x) }

    package static let hasGradient = true

    package func gradient(
        of node: Node, outputGradients: [ValueID?], in builder: inout GraphBuilder
    ) throws(GraphError) -> [ValueID?] {
        guard let gradient = outputGradients[0] else { return [nil] }
        let slope = try builder.add(Cos(), [node.inputs[0]])
        return [try builder.add(Mul(), [gradient, slope])]
    }
}
