/// ONNX's `BatchNormalization` with given statistics: `(x - mean) / sqrt(variance + epsilon) * scale + bias`.
///
/// Inputs: x with channels on axis 1, then scale, bias, mean and variance, one number per channel. The statistics
/// are given, not computed, and the gradient treats them like any other input. A NaN stays in its element.
package struct BatchNormalization: Operator {
    package static let name = "BatchNormalization"
    package var epsilon: Float

    package init(epsilon: Float = 1e-5) { self.epsilon = epsilon }

    package func outputTypes(of inputs: [TensorType]) throws(GraphError) -> [TensorType] {
        try requireInputs(inputs, 5)
        try requireFloating(inputs)
        try require(
            inputs[0].shape.rank >= 2, "x has channels on its second axis; its shape is \(inputs[0].shape)")
        for (input, what) in zip(inputs[1...], ["the scale", "the bias", "the mean", "the variance"]) {
            try requireShape(input, [inputs[0].shape[1]], what)
        }
        return [inputs[0]]
    }

    package func reference(_ inputs: [HostTensor]) -> [HostTensor] {
        let vectors = inputs[1...].map(\.doubles)
        let view = AxisView(inputs[0].type.shape, axis: 1)
        var x = inputs[0].doubles
        for index in x.indices {
            let channel = index / view.inner % view.length
            let normalized =
                (x[index] - vectors[2][channel]) / (vectors[3][channel] + Double(epsilon)).squareRoot()
            x[index] = normalized * vectors[0][channel] + vectors[1][channel]
        }
        return [HostTensor(inputs[0].type, doubles: x)]
    }

    package static let hasGradient = true

    package func gradient(
        of node: Node, outputGradients: [ValueID?], in builder: inout GraphBuilder
    ) throws(GraphError) -> [ValueID?] {
        guard let gradient = outputGradients[0] else { return node.inputs.map { _ in nil } }
        let type = builder.type(of: node.inputs[0])
        let perChannel = [type.shape[1]] + type.shape.extents.dropFirst(2).map { _ in 1 }
        func spread(_ value: ValueID) throws(GraphError) -> ValueID {
            try builder.add(Reshape(perChannel), [value])
        }
        let otherAxes = type.shape.extents.indices.filter { $0 != 1 }
        func summed(_ value: ValueID) throws(GraphError) -> ValueID {
            try builder.add(ReduceSum(axes: otherAxes, keepDims: false), [value])
        }

        let epsilon = builder.constant("epsilon", .scalar(Double(epsilon), type.element))
        let shifted = try builder.add(Add(), [node.inputs[4], epsilon])
        let deviation = try builder.add(Sqrt(), [shifted])
        let factor = try builder.add(Div(), [node.inputs[1], deviation])
        let centred = try builder.add(Sub(), [node.inputs[0], try spread(node.inputs[3])])
        let sumOfGradient = try summed(gradient)
        let sumOfProduct = try summed(try builder.add(Mul(), [gradient, centred]))
        let byMean = try builder.add(Neg(), [try builder.add(Mul(), [sumOfGradient, factor])])
        let slope = try builder.add(Div(), [factor, shifted])
        let byVariance = try builder.scaled(try builder.add(Mul(), [sumOfProduct, slope]), by: -0.5)
        return [
            try builder.add(Mul(), [gradient, try spread(factor)]),
            try builder.add(Div(), [sumOfProduct, deviation]),
            sumOfGradient,
            byMean,
            byVariance,
        ]
    }

    package func exactness(for inputs: [TensorType]) -> Exactness { .rounding }

    package func floatingPointOperations(inputs: [TensorType], outputs: [TensorType]) -> Int {
        2 * outputs[0].shape.count
    }
}

extension BatchNormalization: ModelOperator {
    package static let schema = OperatorSchema(
        "BatchNormalization", "Each channel brought to mean 0 and variance 1, then scaled and shifted.",
        inputs: [
            .required("X", .floats, "[batch, channels, ...]"),
            .required("scale", .floats, "[channels]"), .required("B", .floats, "[channels]"),
            .required("input_mean", .floats, "[channels]"), .required("input_var", .floats, "[channels]"),
        ],
        outputs: [
            .required("Y", .floats, "the shape of X"),
            .optional("running_mean", .floats, "in training, the given mean moved towards that of X"),
            .optional("running_var", .floats, "in training, the given variance moved towards that of X"),
            .optional("saved_mean", .floats, "before version 14, in training: the mean of X"),
            .optional("saved_var", .floats, "before version 14, in training: the variance of X"),
        ],
        attributes: [
            .ints("consumed_inputs", nil, "version 1, without effect"),
            .float("epsilon", 1e-5, "added to the variance"),
            .int("is_test", 0, "before version 7: whether the given statistics are used"),
            .float("momentum", 0.9, "how much of the given statistics stays in the running ones"),
            .int("spatial", 1, "before version 9: 0 where each element has statistics of its own"),
            .int("training_mode", 0, "from version 14 on: whether the statistics of X are used"),
        ])

    package static func build(_ call: OperatorCall, in graph: inout GraphBuilder) throws -> [GraphValue] {
        let x = try call.input(0)
        let type = graph.type(of: x)
        let inputs = try call.allInputs()
        let elements = inputs.map { graph.type(of: $0).element.forSteps }
        let mixed = Set(inputs.map { graph.type(of: $0).element }).count > 1
        let element = !mixed ? type.element : elements.contains(.float64) ? .float64 : .float32
        // Batch and channels only, where every element is a channel.
        let extents = type.shape.extents
        let apart = try call.version < 9 && !call.flag("spatial")
        let shape =
            extents.count == 1 ? [extents[0], 1] : apart ? [extents.first ?? 1, -1] : extents
        var values: [ValueID] = []
        for (index, input) in inputs.enumerated() {
            let value = try graph.converted(input, to: element)
            if index == 0 {
                values.append(try shape == extents ? value : graph.add(Reshape(shape), [value]))
            } else {
                values.append(try apart ? graph.add(Reshape([-1]), [value]) : value)
            }
        }
        let rule = BatchNormalization(epsilon: Float(try call.float("epsilon")))
        var outputs =
            try call.isTraining
            ? rule.training(values, momentum: call.float("momentum"), in: &graph)
            : [graph.add(rule, values)]
        outputs[0] = try graph.reshaped(graph.converted(outputs[0], to: type.element), to: extents)
        for index in outputs.indices.dropFirst() {
            let given = graph.type(of: inputs[index % 2 == 1 ? 3 : 4])
            outputs[index] = try graph.reshaped(
                graph.converted(outputs[index], to: given.element), to: given.shape.extents)
        }
        return outputs.map(GraphValue.tensor)
    }

    /// The output, the running statistics and those of x.
    private func training(
        _ inputs: [ValueID], momentum: Double, in graph: inout GraphBuilder
    ) throws -> [ValueID] {
        let type = graph.type(of: inputs[0])
        let wide = type.element.forSteps
        let x = try graph.converted(inputs[0], to: wide)
        let axes = type.shape.extents.indices.filter { $0 != 1 }
        let channels = [type.shape.rank > 1 ? type.shape[1] : 1]
        let mean = try graph.add(ReduceMean(axes: axes), [x])
        let centred = try graph.add(Sub(), [x, mean])
        let variance = try graph.add(ReduceMean(axes: axes), [try graph.add(Mul(), [centred, centred])])
        let statistics = [
            try graph.reshaped(mean, to: channels), try graph.reshaped(variance, to: channels),
        ]
        var operands = [x]
        for value in inputs[1...2] { operands.append(try graph.converted(value, to: wide)) }
        var outputs = [try graph.add(self, operands + statistics)]
        for (given, found) in zip(inputs[3...], statistics) {
            let kept = try graph.scaled(try graph.converted(given, to: wide), by: momentum)
            outputs.append(try graph.add(Add(), [kept, try graph.scaled(found, by: 1 - momentum)]))
        }
        return outputs + statistics
    }
}

extension OperatorCall {
    /// Whether a call of `BatchNormalization` computes statistics.
    ///
    /// Before version 14 the number of outputs said so; a call of one output without `is_test` is inference too.
    fileprivate var isTraining: Bool {
        get throws(GraphError) {
            if version >= 14 { return try flag("training_mode") }
            if version < 7, try flag("is_test") { return false }
            return wantedOutputs.dropFirst().contains(true)
        }
    }
}
