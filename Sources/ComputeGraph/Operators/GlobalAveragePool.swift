/// The mean over all axes after the channels, which stay with the extent 1.
///
/// A NaN in a channel gives NaN there.
package struct GlobalAveragePool: Operator {
    package static let name = "GlobalAveragePool"

    package init() {}

    package func outputTypes(of inputs: [TensorType]) throws(GraphError) -> [TensorType] {
        try requireInputs(inputs, 1)
        try requireFloating(inputs)
        let shape = inputs[0].shape
        try require(
            shape.rank >= 3, "x has a batch, channels and at least one more axis, not the shape \(shape)")
        let kept = Array(shape.extents[..<2])
        return [TensorType(inputs[0].element, Shape(kept + shape.extents.dropFirst(2).map { _ in 1 }))]
    }

    package func reference(_ inputs: [HostTensor]) -> [HostTensor] {
        mean(of: inputs[0].type).reference(inputs)
    }

    package func gradient(
        of node: Node, outputGradients: [ValueID?], in builder: inout GraphBuilder
    ) throws(GraphError) -> [ValueID?] {
        try mean(of: builder.type(of: node.inputs[0]))
            .gradient(of: node, outputGradients: outputGradients, in: &builder)
    }

    private func mean(of type: TensorType) -> ReduceMean { ReduceMean(axes: Array(2..<type.shape.rank)) }

    package func exactness(for inputs: [TensorType]) -> Exactness {
        .accumulated(terms: inputs[0].shape.extents.dropFirst(2).reduce(1, *))
    }

    package func floatingPointOperations(inputs: [TensorType], outputs: [TensorType]) -> Int {
        inputs[0].shape.count
    }
}
