/// The square root of the sum of the squares along axes; a NaN reaches its sum.
///
/// For integers it is cut towards zero.
package struct ReduceL2: FoldingOperator {
    package static let name = "ReduceL2"
    package var axes: [Int]
    package var keepDims: Bool

    package init(axes: [Int] = [], keepDims: Bool = true) {
        self.axes = axes
        self.keepDims = keepDims
    }

    package func fold(_ values: [Double]) -> Double { values.reduce(0) { $0 + $1 * $1 }.squareRoot() }

    package static let hasGradient = true

    package func gradient(
        of node: Node, outputGradients: [ValueID?], in builder: inout GraphBuilder
    ) throws(GraphError) -> [ValueID?] {
        guard let gradient = outputGradients[0] else { return [nil] }
        let rate = try builder.add(Div(), [gradient, node.outputs[0]])
        return [try builder.add(Mul(), [node.inputs[0], unfolded(rate, of: node, in: &builder)])]
    }
}

extension ReduceL2: FoldingModelOperator {
    package static let schema = OperatorSchema.reduction(
        "ReduceL2", "The square root of the sum of the squares along axes; 0 of nothing.")
}
