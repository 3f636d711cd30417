/// An operator that folds the elements along some axes into one: `ReduceSum`, `ReduceMean`.
package protocol ReductionOperator: Operator {
    /// Counted from the front, or from the back where negative; none means all.
    var axes: [Int] { get }
    /// Whether the folded axes stay, with the extent 1.
    var keepDims: Bool { get }

    /// What the sum over `count` elements is divided by.
    func divisor(of count: Int) -> Double
}

extension ReductionOperator {
    package func outputTypes(of inputs: [TensorType]) throws(GraphError) -> [TensorType] {
        try requireInputs(inputs, 1)
        let element = try requireFloating(inputs)
        let folded = try resolvedAxes(axes, rank: inputs[0].shape.rank)
        let shape = inputs[0].shape.reduced(along: folded)
        return [TensorType(element, keepDims ? shape : shape.without(folded))]
    }

    package func reference(_ inputs: [HostTensor]) -> [HostTensor] {
        let shape = inputs[0].type.shape
        let reduced = shape.reduced(along: foldedAxes(of: shape))
        let x = inputs[0].doubles
        var sums = [Double](repeating: 0, count: reduced.count)
        for (index, target) in broadcastIndices(of: reduced, in: shape).enumerated() {
            sums[target] += x[index]
        }
        let divisor = divisor(of: shape.count / max(reduced.count, 1))
        return [HostTensor(knownOutputTypes(inputs)[0], doubles: sums.map { $0 / divisor })]
    }

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

    package func exactness(for inputs: [TensorType]) -> Exactness {
        let shape = inputs[0].shape
        return .accumulated(terms: foldedAxes(of: shape).reduce(1) { $0 * shape[$1] })
    }

    package func floatingPointOperations(inputs: [TensorType], outputs: [TensorType]) -> Int {
        inputs[0].shape.count
    }

    /// The axes counted from the front, in rising order, of a shape that the shape rule has passed.
    package func foldedAxes(of shape: Shape) -> [Int] {
        axes.isEmpty
            ? Array(0..<shape.rank) : axes.map { $0 < 0 ? $0 + shape.rank : $0 }.sorted()
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
