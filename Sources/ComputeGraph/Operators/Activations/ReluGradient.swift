/// The gradient of `Relu` from its output's gradient and its *output*, so that the input need not be kept.
///
/// 0 where the output is 0; NaN where the output is NaN.
package struct ReluGradient: Operator {
    package static let name = "ReluGradient"

    package init() {}

    package func outputTypes(of inputs: [TensorType]) throws(GraphError) -> [TensorType] {
        try requireInputs(inputs, 2)
        try requireFloating(inputs)
        try requireShape(inputs[1], inputs[0].shape, "the output of the Relu")
        return [inputs[0]]
    }

    package func reference(_ inputs: [HostTensor]) -> [HostTensor] {
        let values = zip(inputs[0].doubles, inputs[1].doubles).map(value)
        return [HostTensor(inputs[0].type, doubles: values)]
    }

    package func exactness(for inputs: [TensorType]) -> Exactness { .rounding }

    package func floatingPointOperations(inputs: [TensorType], outputs: [TensorType]) -> Int {
        outputs[0].shape.count * 1
    }

    private func value(gradient: Double, output y: Double) -> Double {
        y.isNaN ? y : y > 0 ? gradient : 0
    }
}
