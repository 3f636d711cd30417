/// The sum of the magnitudes along axes; a NaN reaches its sum.
package struct ReduceL1: FoldingOperator {
    package static let name = "ReduceL1"
    package var axes: [Int]
    package var keepDims: Bool

    package init(axes: [Int] = [], keepDims: Bool = true) {
        self.axes = axes
        self.keepDims = keepDims
    }

    package func fold(_ values: [Double]) -> Double { values.reduce(0) { $0 + abs($1) } }

    package func fold(_ values: [Int128], as element: ElementType) -> Int128? {
        values.reduce(0) { $0 &+ ($1 < 0 ? -$1 : $1) }
    }

    package static let hasGradient = true

    package func gradient(
        of node: Node, outputGradients: [ValueID?], in builder: inout GraphBuilder
    ) throws(GraphError) -> [ValueID?] {
        guard let gradient = outputGradients[0] else { return [nil] }
        let signs = try builder.add(Sign(), [node.inputs[0]])
        return [try builder.add(Mul(), [signs, unfolded(gradient, of: node, in: &builder)])]
    }
}

extension ReduceL1: FoldingModelOperator {
    package static let schema = OperatorSchema.reduction(
        "ReduceL1", "The sum of the magnitudes along axes; 0 of nothing.")
}
