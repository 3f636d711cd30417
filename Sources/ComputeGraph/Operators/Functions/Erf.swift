#if canImport(Glibc)
internal import Glibc
#endif

/// The error function; a NaN stays a NaN.
///
/// Integers, which version 9 allowed, lose the fraction of the result.
package struct Erf: ElementwiseOperator, PlainOperator {
    package static let schema = OperatorSchema.elementwise(
        "Erf", since: 9, "The error function.", .numbers, names: ("input", "output"))

    package init() {}

    package func value(at x: Double) -> Double { erf(x) }

    package static let hasGradient = true

    package func gradient(
        of node: Node, outputGradients: [ValueID?], in builder: inout GraphBuilder
    ) throws(GraphError) -> [ValueID?] {
        guard let gradient = outputGradients[0] else { return [nil] }
        // 2 / sqrt(pi) * exp(-x x)
        let squared = try builder.add(Mul(), [node.inputs[0], node.inputs[0]])
        let bell = try builder.add(Exp(), [try builder.add(Neg(), [squared])])
        let scaled = try builder.scaled(bell, by: 2 / Double.pi.squareRoot())
        return [try builder.add(Mul(), [gradient, scaled])]
    }
}
