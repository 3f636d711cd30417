/// The sum of the squares along axes; a NaN reaches its sum.
package struct ReduceSumSquare: FoldingOperator {
    package static let name = "ReduceSumSquare"
    package var axes: [Int]
    package var keepDims: Bool

    package init(axes: [Int] = [], keepDims: Bool = true) {
        self.axes = axes
        self.keepDims = keepDims
    }

    package func fold(_ values: [Double]) -> Double { values.reduce(0) { $0 + $1 * $1 } }

    package func fold(_ values: [Int128], as element: ElementType) -> Int128? {
        values.reduce(0) { $0 &+ $1 &* $1 }
    }

    package static let hasGradient = true

    package func gradient(
        of node: Node, outputGradients: [ValueID?], in builder: inout GraphBuilder
    ) throws(GraphError) -> [ValueID?] {
        guard let gradient = outputGradients[0] else { return [nil] }
        let twice = try builder.scaled(unfolded(gradient, of: node, in: &builder), by: 2)
        return [try builder.add(Mul(), [node.inputs[0], twice])]
    }
}

extension ReduceSumSquare: FoldingModelOperator {
    package static let schema = OperatorSchema.reduction(
        "ReduceSumSquare", "The sum of the squares along axes; 0 of nothing.")
}
