/// The gradient of `Conv` by the weights, from its output's gradient and x.
///
/// A NaN reaches every sum it is part of.
package struct ConvWeightGradient: Operator {
    package static let name = "ConvWeightGradient"
    package var convolution: Conv
    package var weightShape: Shape

    package init(_ convolution: Conv, weightShape: Shape) {
        self.convolution = convolution
        self.weightShape = weightShape
    }

    package func outputTypes(of inputs: [TensorType]) throws(GraphError) -> [TensorType] {
        try requireInputs(inputs, 2)
        let element = try requireFloating(inputs)
        let weights = TensorType(element, weightShape)
        let y = try convolution.outputTypes(of: [inputs[1], weights])[0]
        try requireShape(inputs[0], y.shape, "the output's gradient")
        return [weights]
    }

    package func reference(_ inputs: [HostTensor]) -> [HostTensor] {
        let (gradient, x) = (inputs[0].doubles, inputs[1].doubles)
        var result = [Double](repeating: 0, count: weightShape.count)
        let taps = ConvolutionTaps(
            convolution, x: inputs[1].type.shape, weights: weightShape, y: inputs[0].type.shape)
        taps.forEachRow { row in
            for step in 0..<row.count {
                result[row.weight] += x[row.x + step * row.xStep] * gradient[row.y + step]
            }
        }
        return [HostTensor(TensorType(inputs[0].type.element, weightShape), doubles: result)]
    }

    package func exactness(for inputs: [TensorType]) -> Exactness {
        let gradient = inputs[0].shape
        return .accumulated(terms: gradient[0] * gradient.extents.dropFirst(2).reduce(1, *))
    }

    package func floatingPointOperations(inputs: [TensorType], outputs: [TensorType]) -> Int {
        operationCount(2, inputs[0].shape.count, weightShape.extents.dropFirst().reduce(1, *))
    }
}
