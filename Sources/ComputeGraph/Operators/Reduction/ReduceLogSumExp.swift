#if canImport(Glibc)
internal import Glibc
#endif

/// The natural logarithm of the sum of the exponentials along axes, without overflow between.
///
/// For integers it is cut towards zero.
package struct ReduceLogSumExp: FoldingOperator {
    package static let name = "ReduceLogSumExp"
    package var axes: [Int]
    package var keepDims: Bool

    package init(axes: [Int] = [], keepDims: Bool = true) {
        self.axes = axes
        self.keepDims = keepDims
    }

    package func fold(_ values: [Double]) -> Double {
        guard let largest = values.max(), !values.contains(where: \.isNaN) else {
            return values.isEmpty ? -.infinity : .nan
        }
        if largest.isInfinite { return largest }
        return log(values.reduce(0) { $0 + exp($1 - largest) }) + largest
    }

    package static let hasGradient = true

    package func gradient(
        of node: Node, outputGradients: [ValueID?], in builder: inout GraphBuilder
    ) throws(GraphError) -> [ValueID?] {
        guard let gradient = outputGradients[0] else { return [nil] }
        let result = try unfolded(node.outputs[0], of: node, in: &builder)
        let shares = try builder.add(Exp(), [builder.add(Sub(), [node.inputs[0], result])])
        return [try builder.add(Mul(), [shares, unfolded(gradient, of: node, in: &builder)])]
    }
}

extension ReduceLogSumExp: FoldingModelOperator {
    package static let schema = OperatorSchema.reduction(
        "ReduceLogSumExp",
        "The natural logarithm of the sum of the exponentials along axes; minus infinity of nothing.")
}
