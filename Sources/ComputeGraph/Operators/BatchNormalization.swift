/// ONNX's `BatchNormalization` in inference form: `(x - mean) / sqrt(variance + epsilon) * scale + bias`.
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
