#if canImport(Glibc)
internal import Glibc
#endif

/// The cosine of an angle in radians; an infinity or NaN gives NaN.
package struct Cos: ElementwiseOperator, PlainOperator {
    package static let schema = OperatorSchema.elementwise(
        "Cos", since: 7, "The cosine of an angle in radians.", .floats, names: ("input", "output"))

    package init() {}

    package func value(at x: Double) -> Double { cos(x) }

    package static let hasGradient = true

    package func gradient(
        of node: Node, outputGradients: [ValueID?], in builder: inout GraphBuilder
    ) throws(GraphError) -> [ValueID?] {
        guard let gradient = outputGradients[0] else { return [nil] }
        let slope = try builder.add(Neg(), [try builder.add(Sin(), [node.inputs[0]])])
        return [try builder.add(Mul(), [gradient, slope])]
    }
}
