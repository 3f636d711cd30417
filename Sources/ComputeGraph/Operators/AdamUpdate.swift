/// One step of Adam.
///
/// Inputs: parameter, gradient, first moment, second moment, the learning rate (one number), and the number of
/// the step (one int64, the first is 1). Outputs: the new parameter and both new moments:
/// `m' = beta1 m + (1 - beta1) g`, `v' = beta2 v + (1 - beta2) g g`, and
/// `p' = p - rate * (m' / (1 - beta1^step)) / (sqrt(v' / (1 - beta2^step)) + epsilon)`. A NaN stays in its element.
package struct AdamUpdate: Operator {
    package static let name = "AdamUpdate"
    package var beta1: Float
    package var beta2: Float
    package var epsilon: Float

    package init(beta1: Float = 0.9, beta2: Float = 0.999, epsilon: Float = 1e-8) {
        self.beta1 = beta1
        self.beta2 = beta2
        self.epsilon = epsilon
    }

    package func outputTypes(of inputs: [TensorType]) throws(GraphError) -> [TensorType] {
        try adamOutputTypes(of: inputs)
    }

    package func reference(_ inputs: [HostTensor]) -> [HostTensor] {
        AdamRule(beta1: Double(beta1), beta2: Double(beta2), epsilon: Double(epsilon), weightDecay: 0)
            .reference(inputs)
    }

    package func exactness(for inputs: [TensorType]) -> Exactness { .rounding }

    package func floatingPointOperations(inputs: [TensorType], outputs: [TensorType]) -> Int {
        12 * outputs[0].shape.count
    }
}
