/// The mean over a batch of minus the logarithm of the softmax of `scores` at each row's label: ONNX's
/// `SoftmaxCrossEntropyLoss` with reduction "mean", without weights.
///
/// Inputs: scores `[batch, classes]` and labels `[batch]` of int64. A NaN, or a label that is no class, makes the
/// loss NaN.
package struct SoftmaxCrossEntropyLoss: Operator {
    package static let name = "SoftmaxCrossEntropyLoss"

    package init() {}

    package func outputTypes(of inputs: [TensorType]) throws(GraphError) -> [TensorType] {
        try requireInputs(inputs, 2)
        try requireFloating(inputs[..<1])
        try requireRank(inputs[0], 2, "the score tensor")
        try require(inputs[1].element == .int64, "labels are int64, not \(inputs[1])")
        try requireShape(inputs[1], [inputs[0].shape[0]], "the label tensor")
        return [TensorType(inputs[0].element, [])]
    }

    package func reference(_ inputs: [HostTensor]) -> [HostTensor] {
        let shape = inputs[0].type.shape
        let logarithms = logSoftmax(inputs[0].doubles, AxisView(shape, axis: 1))
        var sum = 0.0
        for (row, label) in inputs[1].indices.enumerated() {
            sum -= label >= 0 && label < shape[1] ? logarithms[row * shape[1] + label] : .nan
        }
        return [.scalar(sum / Double(shape[0]), inputs[0].type.element)]
    }

    package func gradient(
        of node: Node, outputGradients: [ValueID?], in builder: inout GraphBuilder
    ) throws(GraphError) -> [ValueID?] {
        guard let gradient = outputGradients[0] else { return [nil, nil] }
        let byScores = try builder.add(
            SoftmaxCrossEntropyLossGradient(), [gradient, node.inputs[0], node.inputs[1]])
        return [byScores, nil]
    }

    package func exactness(for inputs: [TensorType]) -> Exactness {
        .accumulated(terms: inputs[0].shape.count)
    }

    package func floatingPointOperations(inputs: [TensorType], outputs: [TensorType]) -> Int {
        5 * inputs[0].shape.count
    }
}
