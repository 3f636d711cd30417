/// The input repeated to a larger shape by NumPy's broadcasting rule.
///
/// ONNX gives the shape as an input; here it is an attribute, and it must be the full shape of the result.
package struct Expand: MovementOperator {
    package static let name = "Expand"
    package var shape: Shape

    package init(_ shape: Shape) { self.shape = shape }

    package func outputTypes(of inputs: [TensorType]) throws(GraphError) -> [TensorType] {
        try requireInputs(inputs, 1)
        try require(
            inputs[0].shape.broadcast(with: shape) == shape,
            "\(inputs[0].shape) does not broadcast to \(shape)")
        return [TensorType(inputs[0].element, shape)]
    }

    package func reference(_ inputs: [HostTensor]) -> [HostTensor] {
        let indices = broadcastIndices(of: inputs[0].type.shape, in: shape)
        return [inputs[0].moved(to: TensorType(inputs[0].type.element, shape)) { indices[$0] }]
    }

    package func gradient(
        of node: Node, outputGradients: [ValueID?], in builder: inout GraphBuilder
    ) throws(GraphError) -> [ValueID?] {
        guard let gradient = outputGradients[0] else { return [nil] }
        return [try builder.reduced(gradient, toShapeOf: node.inputs[0])]
    }
}
