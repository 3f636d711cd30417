/// One step of stochastic gradient descent with momentum.
///
/// Inputs: parameter, gradient, velocity, and the learning rate as one number. Outputs: the new parameter and the
/// new velocity. With g the gradient plus `weightDecay` times the parameter: `v' = momentum * v + g`, and
/// `p' = p - rate * v'`, or `p' = p - rate * (g + momentum * v')` with `usesNesterov`. A NaN stays in its element.
package struct SGDMomentumUpdate: Operator {
    package static let name = "SGDMomentumUpdate"
    package var momentum: Float
    package var weightDecay: Float
    package var usesNesterov: Bool

    package init(momentum: Float = 0.9, weightDecay: Float = 0, usesNesterov: Bool = false) {
        self.momentum = momentum
        self.weightDecay = weightDecay
        self.usesNesterov = usesNesterov
    }

    package func outputTypes(of inputs: [TensorType]) throws(GraphError) -> [TensorType] {
        try requireInputs(inputs, 4)
        try requireFloating(inputs)
        try requireShape(inputs[1], inputs[0].shape, "the gradient")
        try requireShape(inputs[2], inputs[0].shape, "the velocity")
        try requireScalar(inputs[3], "the learning rate")
        return [inputs[0], inputs[0]]
    }

    package func reference(_ inputs: [HostTensor]) -> [HostTensor] {
        var parameter = inputs[0].doubles
        let gradient = inputs[1].doubles
        var velocity = inputs[2].doubles
        let rate = inputs[3].doubles[0]
        let momentum = Double(momentum)
        for index in parameter.indices {
            let g = gradient[index] + Double(weightDecay) * parameter[index]
            velocity[index] = momentum * velocity[index] + g
            parameter[index] -= rate * (usesNesterov ? g + momentum * velocity[index] : velocity[index])
        }
        return [
            HostTensor(inputs[0].type, doubles: parameter), HostTensor(inputs[0].type, doubles: velocity),
        ]
    }

    package func exactness(for inputs: [TensorType]) -> Exactness { .rounding }

    package func floatingPointOperations(inputs: [TensorType], outputs: [TensorType]) -> Int {
        6 * outputs[0].shape.count
    }
}
