#if canImport(Glibc)
internal import Glibc
#endif

/// The natural logarithm of one plus the input, exact also near 0; -1 gives minus infinity, less or NaN gives
/// NaN.
package struct Log1p: ElementwiseOperator, PlainOperator {
    package static let schema = OperatorSchema.elementwise(
        "Log1p", domain: .heng, since: 1, "The natural logarithm of one plus the input, exact also near 0.",
        .floats)

    package init() {}

    package func value(at x: Double) -> Double { log1p(x) }

    package static let hasGradient = true

    package func gradient(
        of node: Node, outputGradients: [ValueID?], in builder: inout GraphBuilder
    ) throws(GraphError) -> [ValueID?] {
        guard let gradient = outputGradients[0] else { return [nil] }
        let shifted = try builder.add(Add(), [node.inputs[0], builder.number(1, like: gradient)])
        return [try builder.add(Div(), [gradient, shifted])]
    }
}
