/// A folding operator that is a sum, perhaps divided by the count: `ReduceSum`, `ReduceMean`.
package protocol ReductionOperator: FoldingOperator {
    /// What the sum over `count` elements is divided by.
    func divisor(of count: Int) -> Double
}

extension ReductionOperator {
    package func fold(_ values: [Double]) -> Double {
        values.reduce(0, +) / divisor(of: values.count)
    }

    package static var hasGradient: Bool { true }

    package func gradient(
        of node: Node, outputGradients: [ValueID?], in builder: inout GraphBuilder
    ) throws(GraphError) -> [ValueID?] {
        guard var gradient = outputGradients[0] else { return [nil] }
        let shape = builder.type(of: node.inputs[0]).shape
        let reduced = shape.reduced(along: foldedAxes(of: shape))
        let divisor = divisor(of: shape.count / max(reduced.count, 1))
        // Scaled while it is still small.
        if divisor != 1 { gradient = try builder.scaled(gradient, by: 1 / divisor) }
        if !keepDims { gradient = try builder.add(Reshape(reduced.extents), [gradient]) }
        return [try builder.add(Expand(shape), [gradient])]
    }
}

extension Shape {
    /// The shape with extent 1 along the given axes.
    func reduced(along axes: [Int]) -> Shape {
        Shape(extents.enumerated().map { axes.contains($0.offset) ? 1 : $0.element })
    }

    func without(_ axes: [Int]) -> Shape {
        Shape(extents.enumerated().filter { !axes.contains($0.offset) }.map(\.element))
    }
}
