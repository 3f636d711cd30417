#if canImport(Glibc)
internal import Glibc
#endif

/// The gradient of `Gelu` from its output's gradient and its input; NaN in either gives NaN.
package struct GeluGradient: Operator {
    package static let name = "GeluGradient"

    package init() {}

    package func outputTypes(of inputs: [TensorType]) throws(GraphError) -> [TensorType] {
        try requireInputs(inputs, 2)
        try requireFloating(inputs)
        try requireShape(inputs[1], inputs[0].shape, "the input of the Gelu")
        return [inputs[0]]
    }

    package func reference(_ inputs: [HostTensor]) -> [HostTensor] {
        let values = zip(inputs[0].doubles, inputs[1].doubles).map(value)
        return [HostTensor(inputs[0].type, doubles: values)]
    }

    package func exactness(for inputs: [TensorType]) -> Exactness { .rounding }

    package func floatingPointOperations(inputs: [TensorType], outputs: [TensorType]) -> Int {
        outputs[0].shape.count * 8
    }

    /// The derivative is the normal distribution's cumulative function plus x times its density.
    private func value(gradient: Double, input x: Double) -> Double {
        let cumulative = (1 + erf(x / 2.0.squareRoot())) / 2
        let density = exp(-x * x / 2) / (2 * Double.pi).squareRoot()
        return gradient * (cumulative + x * density)
    }
}
