/// The gradient of `Conv` by x, from its output's gradient and the weights.
///
/// A NaN reaches every sum it is part of.
package struct ConvInputGradient: Operator {
    package static let name = "ConvInputGradient"
    package var convolution: Conv
    package var inputShape: Shape

    package init(_ convolution: Conv, inputShape: Shape) {
        self.convolution = convolution
        self.inputShape = inputShape
    }

    package func outputTypes(of inputs: [TensorType]) throws(GraphError) -> [TensorType] {
        try requireInputs(inputs, 2)
        let element = try requireFloating(inputs)
        let x = TensorType(element, inputShape)
        let y = try convolution.outputTypes(of: [x, inputs[1]])[0]
        try requireShape(inputs[0], y.shape, "the output's gradient")
        return [x]
    }

    package func reference(_ inputs: [HostTensor]) -> [HostTensor] {
        let (gradient, weights) = (inputs[0].doubles, inputs[1].doubles)
        var result = [Double](repeating: 0, count: inputShape.count)
        let taps = ConvolutionTaps(
            convolution, x: inputShape, weights: inputs[1].type.shape, y: inputs[0].type.shape)
        taps.forEachRow { row in
            for step in 0..<row.count {
                result[row.x + step * row.xStep] += weights[row.weight] * gradient[row.y + step]
            }
        }
        return [HostTensor(TensorType(inputs[0].type.element, inputShape), doubles: result)]
    }

    package func exactness(for inputs: [TensorType]) -> Exactness {
        let weights = inputs[1].shape
        return .accumulated(
            terms: weights[0] / convolution.group * weights.extents.dropFirst(2).reduce(1, *))
    }

    package func floatingPointOperations(inputs: [TensorType], outputs: [TensorType]) -> Int {
        operationCount(2, inputs[0].shape.count, inputs[1].shape.extents.dropFirst().reduce(1, *))
    }
}
