package import ComputeGraph

/// How parameters follow their gradients.
package enum Optimizer: Hashable, Sendable {
    case sgd(momentum: Float = 0.9, weightDecay: Float = 0, usesNesterov: Bool = false)
    case adam(beta1: Float = 0.9, beta2: Float = 0.999, epsilon: Float = 1e-8)
    case adamW(beta1: Float = 0.9, beta2: Float = 0.999, epsilon: Float = 1e-8, weightDecay: Float = 0.01)

    /// What is kept per parameter besides its value.
    var stateNames: [String] {
        switch self {
        case .sgd: ["velocity"]
        case .adam, .adamW: ["first-moment", "second-moment"]
        }
    }

    /// The name under which a parameter's state is kept: `fc.weight@velocity`.
    static func stateName(_ state: String, of parameter: String) -> String { "\(parameter)@\(state)" }
}

/// One step of an optimizer as a graph.
///
/// Inputs: the learning rate, the number of the step (from 1), and a gradient per parameter in the given order.
/// Parameters: the model's, and the optimizer's state. Every output is the new value of a parameter.
package struct UpdateGraph: Sendable {
    package let graph: Graph
    /// For each output the parameter whose new value it is.
    package let assignedParameters: [String]

    /// The inputs before the gradients.
    static let leadingInputs = 2

    package init(
        _ optimizer: Optimizer, parameters: [(name: String, type: TensorType)]
    ) throws(GraphError) {
        var builder = GraphBuilder()
        let rate = builder.input("learning rate", TensorType(.float32, []))
        let step = builder.input("step", TensorType(.int64, []))
        let gradients = parameters.map { builder.input("gradient of \($0.name)", $0.type) }
        var outputs: [ValueID] = []
        var assigned: [String] = []
        for (parameter, gradient) in zip(parameters, gradients) {
            let names =
                [parameter.name] + optimizer.stateNames.map { Optimizer.stateName($0, of: parameter.name) }
            let values = names.map { builder.parameter($0, parameter.type) }
            outputs += try builder.addUpdate(optimizer, values, gradient: gradient, rate: rate, step: step)
            assigned += names
        }
        graph = builder.build(outputs: outputs)
        assignedParameters = assigned
    }
}

extension GraphBuilder {
    fileprivate mutating func addUpdate(
        _ optimizer: Optimizer, _ values: [ValueID], gradient: ValueID, rate: ValueID, step: ValueID
    ) throws(GraphError) -> [ValueID] {
        let inputs = [values[0], gradient] + values.dropFirst() + [rate]
        return switch optimizer {
        case .sgd(let momentum, let weightDecay, let usesNesterov):
            try addNode(
                SGDMomentumUpdate(momentum: momentum, weightDecay: weightDecay, usesNesterov: usesNesterov),
                inputs)
        case .adam(let beta1, let beta2, let epsilon):
            try addNode(AdamUpdate(beta1: beta1, beta2: beta2, epsilon: epsilon), inputs + [step])
        case .adamW(let beta1, let beta2, let epsilon, let weightDecay):
            try addNode(
                AdamWUpdate(beta1: beta1, beta2: beta2, epsilon: epsilon, weightDecay: weightDecay),
                inputs + [step])
        }
    }
}
