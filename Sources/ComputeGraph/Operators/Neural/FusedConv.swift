/// `activation(Conv(x, weights) + bias + residual)` in one pass over memory, made by `Graph.fused()`.
///
/// Inputs: x, weights, then the bias (one number per filter) if `hasBias`, then the residual (of the output's
/// shape) if `hasResidual`. NaN behaves as in the operators it stands for.
package struct FusedConv: Operator {
    package static let name = "FusedConv"
    package var convolution: Conv
    package var hasBias: Bool
    package var hasResidual: Bool
    package var activation: Activation

    package init(_ convolution: Conv, hasBias: Bool, hasResidual: Bool, activation: Activation) {
        self.convolution = convolution
        self.hasBias = hasBias
        self.hasResidual = hasResidual
        self.activation = activation
    }

    private var convolutionInputs: Int { hasBias ? 3 : 2 }

    package func outputTypes(of inputs: [TensorType]) throws(GraphError) -> [TensorType] {
        try requireInputs(inputs, convolutionInputs + (hasResidual ? 1 : 0))
        let types = try convolution.outputTypes(of: Array(inputs[..<convolutionInputs]))
        if hasResidual {
            try require(
                inputs[inputs.count - 1] == types[0],
                "the residual is \(types[0]), not \(inputs[inputs.count - 1])")
        }
        return types
    }

    package func reference(_ inputs: [HostTensor]) -> [HostTensor] {
        let product = convolution.reference(inputs[..<convolutionInputs].map(\.widened))[0]
        let type = TensorType(inputs[0].type.element, product.type.shape)
        return [activatedSum(product, inputs[convolutionInputs...], activation, as: type)]
    }

    package func exactness(for inputs: [TensorType]) -> Exactness { convolution.exactness(for: inputs) }

    package func floatingPointOperations(inputs: [TensorType], outputs: [TensorType]) -> Int {
        convolution.floatingPointOperations(inputs: Array(inputs[..<convolutionInputs]), outputs: outputs)
            + outputs[0].shape.count * ((hasResidual ? 1 : 0) + (activation == .identity ? 0 : 1))
    }

    package func expanded(
        _ inputs: [ValueID], in builder: inout GraphBuilder
    ) throws(GraphError) -> [ValueID]? {
        let product = try builder.add(convolution, Array(inputs[..<convolutionInputs]))
        return [try builder.activated(product, inputs[convolutionInputs...], activation)]
    }
}
