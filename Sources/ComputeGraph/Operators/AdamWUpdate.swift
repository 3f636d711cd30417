/// One step of AdamW: `AdamUpdate`, and `rate * weightDecay * parameter` taken from the parameter besides.
///
/// Inputs and outputs are those of `AdamUpdate`. A NaN stays in its element.
package struct AdamWUpdate: Operator {
    package static let name = "AdamWUpdate"
    package var beta1: Float
    package var beta2: Float
    package var epsilon: Float
    package var weightDecay: Float

    package init(
        beta1: Float = 0.9, beta2: Float = 0.999, epsilon: Float = 1e-8, weightDecay: Float = 0.01
    ) {
        self.beta1 = beta1
        self.beta2 = beta2
        self.epsilon = epsilon
        self.weightDecay = weightDecay
    }

    package func outputTypes(of inputs: [TensorType]) throws(GraphError) -> [TensorType] {
        try adamOutputTypes(of: inputs)
    }

    package func reference(_ inputs: [HostTensor]) -> [HostTensor] {
        AdamRule(
            beta1: Double(beta1), beta2: Double(beta2), epsilon: Double(epsilon),
            weightDecay: Double(weightDecay)
        ).reference(inputs)
    }

    package func exactness(for inputs: [TensorType]) -> Exactness { .rounding }

    package func floatingPointOperations(inputs: [TensorType], outputs: [TensorType]) -> Int {
        14 * outputs[0].shape.count
    }
}
