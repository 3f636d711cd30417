/// One step of RMSProp, which divides a gradient by the root of its running mean square.
///
/// Inputs: parameter, gradient, mean square, and the learning rate as one number. Outputs: the new parameter and
/// the new mean square. With g the gradient plus `weightDecay` times the parameter:
/// `s' = decay * s + (1 - decay) * g * g`, and `p' = p - rate * g / (sqrt(s') + epsilon)`. A NaN stays in its
/// element.
package struct RMSPropUpdate: Operator {
    package static let name = "RMSPropUpdate"
    package var decay: Float
    package var epsilon: Float
    package var weightDecay: Float

    package init(decay: Float = 0.99, epsilon: Float = 1e-8, weightDecay: Float = 0) {
        self.decay = decay
        self.epsilon = epsilon
        self.weightDecay = weightDecay
    }

    package func outputTypes(of inputs: [TensorType]) throws(GraphError) -> [TensorType] {
        try requireInputs(inputs, 4)
        try requireFloating(inputs)
        try requireShape(inputs[1], inputs[0].shape, "the gradient")
        try requireShape(inputs[2], inputs[0].shape, "the mean square")
        try requireScalar(inputs[3], "the learning rate")
        return [inputs[0], inputs[0]]
    }

    package func reference(_ inputs: [HostTensor]) -> [HostTensor] {
        var parameter = inputs[0].doubles
        let gradient = inputs[1].doubles
        var square = inputs[2].doubles
        let rate = inputs[3].doubles[0]
        let decay = Double(decay)
        for index in parameter.indices {
            let g = gradient[index] + Double(weightDecay) * parameter[index]
            square[index] = decay * square[index] + (1 - decay) * g * g
            parameter[index] -= rate * g / (square[index].squareRoot() + Double(epsilon))
        }
        return [HostTensor(inputs[0].type, doubles: parameter), HostTensor(inputs[0].type, doubles: square)]
    }

    package func exactness(for inputs: [TensorType]) -> Exactness { .rounding }

    package func floatingPointOperations(inputs: [TensorType], outputs: [TensorType]) -> Int {
        9 * outputs[0].shape.count
    }
}

extension RMSPropUpdate: ModelOperator {
    package static let schema = OperatorSchema(
        "RMSPropUpdate", domain: .heng,
        "A step of training that divides a gradient by the root of its running mean square.",
        inputs: [
            .required("parameter", .floats, "any shape"),
            .required("gradient", .floats, "the type of parameter"),
            .required("mean_square", .floats, "the type of parameter"),
            .required("rate", .floats, "one number"),
        ],
        outputs: [
            .required("new_parameter", .floats, "the type of parameter"),
            .required("new_mean_square", .floats, "the type of parameter"),
        ],
        attributes: [
            .float("decay", 0.99, "how much of the mean square stays"),
            .float("epsilon", 1e-8, "added to the root"),
            .float("weight_decay", 0, "how much of the parameter is added to its gradient"),
        ])

    package static func build(_ call: OperatorCall, in graph: inout GraphBuilder) throws -> [GraphValue] {
        let rule = RMSPropUpdate(
            decay: Float(try call.float("decay")), epsilon: Float(try call.float("epsilon")),
            weightDecay: Float(try call.float("weight_decay")))
        return try graph.addNode(rule, call.allInputs()).map(GraphValue.tensor)
    }
}
