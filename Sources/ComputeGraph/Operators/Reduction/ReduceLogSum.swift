#if canImport(Glibc)
internal import Glibc
#endif

/// The natural logarithm of the sum along axes; a NaN reaches its sum.
///
/// For integers it is cut towards zero.
package struct ReduceLogSum: FoldingOperator {
    package static let name = "ReduceLogSum"
    package var axes: [Int]
    package var keepDims: Bool

    package init(axes: [Int] = [], keepDims: Bool = true) {
        self.axes = axes
        self.keepDims = keepDims
    }

    package func fold(_ values: [Double]) -> Double { log(values.reduce(0, +)) }

    package static let hasGradient = true

    package func gradient(
        of node: Node, outputGradients: [ValueID?], in builder: inout GraphBuilder
    ) throws(GraphError) -> [ValueID?] {
        guard let gradient = outputGradients[0] else { return [nil] }
        let sum = try builder.add(Exp(), [node.outputs[0]])
        let rate = try unfolded(builder.add(Div(), [gradient, sum]), of: node, in: &builder)
        return [try builder.add(Expand(builder.type(of: node.inputs[0]).shape), [rate])]
    }
}

extension ReduceLogSum: FoldingModelOperator {
    package static let schema = OperatorSchema.reduction(
        "ReduceLogSum", "The natural logarithm of the sum along axes; minus infinity of nothing.")
}
