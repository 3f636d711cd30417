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

    package static let hasGradient = true

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

extension SoftmaxCrossEntropyLoss: ModelOperator {
    package static let schema = OperatorSchema(
        "SoftmaxCrossEntropyLoss", since: 12, "Minus the logarithm of the softmax of scores at each label.",
        inputs: [
            .required("scores", .floats, "[batch, classes, ...]"),
            .required("labels", .indices, "[batch, ...]"),
            .optional("weights", .floats, "[classes]"),
        ],
        outputs: [
            .required("output", .floats, "one number, or [batch, ...] without reduction"),
            .optional("log_prob", .floats, "the shape of scores: the logarithm of their softmax"),
        ],
        attributes: [.ignoredLabel, .lossReduction])

    package static func build(_ call: OperatorCall, in graph: inout GraphBuilder) throws -> [GraphValue] {
        let (scores, labels, weights) = (try call.input(0), try call.input(1), try call.optional(2))
        let reduction = try call.lossReduction()
        let ignored = try call.optionalInt("ignore_index")
        let type = graph.type(of: scores)
        if type.shape.rank == 2, graph.type(of: labels).element == .int64, weights == nil, ignored == nil,
            reduction == .mean, !call.wantsOutput(1)
        {
            return [.tensor(try graph.add(SoftmaxCrossEntropyLoss(), [scores, labels]))]
        }
        let wide = type.element.forSteps
        let logarithms = try graph.add(LogSoftmax(axis: 1), [try graph.converted(scores, to: wide)])
        var operands = [logarithms, labels]
        if let weights { operands.append(try graph.converted(weights, to: wide)) }
        let loss = try graph.add(
            NegativeLogLikelihoodLoss(reduction: reduction, ignoredLabel: ignored), operands)
        return [
            .tensor(try graph.converted(loss, to: type.element)),
            .tensor(try graph.converted(logarithms, to: type.element)),
        ]
    }
}
