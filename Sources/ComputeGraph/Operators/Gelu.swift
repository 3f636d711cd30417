#if canImport(Glibc)
internal import Glibc
#endif

/// The Gaussian error linear unit in its exact form, `x / 2 * (1 + erf(x / sqrt(2)))`; a NaN stays a NaN.
package struct Gelu: ElementwiseOperator {
    package static let name = "Gelu"
    package static let operationsPerElement = 5

    package init() {}

    package func value(at x: Double) -> Double { x / 2 * (1 + erf(x / 2.0.squareRoot())) }

    package func gradient(
        of node: Node, outputGradients: [ValueID?], in builder: inout GraphBuilder
    ) throws(GraphError) -> [ValueID?] {
        guard let gradient = outputGradients[0] else { return [nil] }
        return [try builder.add(GeluGradient(), [gradient, node.inputs[0]])]
    }
}
