/// The negated input; a NaN stays a NaN.
package struct Neg: ElementwiseOperator {
    package static let name = "Neg"

    package init() {}

    package func value(at x: Double) -> Double { -x }

    package func gradient(
        of node: Node, outputGradients: [ValueID?], in builder: inout GraphBuilder
    ) throws(GraphError) -> [ValueID?] {
        guard let gradient = outputGradients[0] else { return [nil] }
        return [try builder.add(Neg(), [gradient])]
    }
}
