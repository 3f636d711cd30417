/// `activation(MatMul(a, b) + bias + residual)` in one pass over memory, made by `Graph.fused()`.
///
/// Inputs: a, b, then the bias (one number per column) if `hasBias`, then the residual (of the output's shape) if
/// `hasResidual`. NaN behaves as in the operators it stands for.
package struct FusedMatMul: Operator {
    package static let name = "FusedMatMul"
    package var product: MatMul
    package var hasBias: Bool
    package var hasResidual: Bool
    package var activation: Activation

    package init(_ product: MatMul, hasBias: Bool, hasResidual: Bool, activation: Activation) {
        self.product = product
        self.hasBias = hasBias
        self.hasResidual = hasResidual
        self.activation = activation
    }

    package func outputTypes(of inputs: [TensorType]) throws(GraphError) -> [TensorType] {
        try requireInputs(inputs, 2 + (hasBias ? 1 : 0) + (hasResidual ? 1 : 0))
        try requireFloating(inputs)
        let types = try product.outputTypes(of: Array(inputs[..<2]))
        if hasBias {
            try requireShape(inputs[2], [types[0].shape[types[0].shape.rank - 1]], "the bias")
        }
        if hasResidual { try requireShape(inputs[inputs.count - 1], types[0].shape, "the residual") }
        return types
    }

    package func reference(_ inputs: [HostTensor]) -> [HostTensor] {
        let sum = product.reference(inputs[..<2].map(\.widened))[0]
        let type = TensorType(inputs[0].type.element, sum.type.shape)
        return [activatedSum(sum, inputs[2...], activation, as: type)]
    }

    package func exactness(for inputs: [TensorType]) -> Exactness {
        product.exactness(for: Array(inputs[..<2]))
    }

    package func floatingPointOperations(inputs: [TensorType], outputs: [TensorType]) -> Int {
        product.floatingPointOperations(inputs: Array(inputs[..<2]), outputs: outputs)
            + outputs[0].shape.count * (inputs.count - 2 + (activation == .identity ? 0 : 1))
    }

    package func expanded(
        _ inputs: [ValueID], in builder: inout GraphBuilder
    ) throws(GraphError) -> [ValueID]? {
        guard let product = try product.expanded(Array(inputs[..<2]), in: &builder) else { return nil }
        return [try builder.activated(product[0], inputs[2...], activation)]
    }
}
