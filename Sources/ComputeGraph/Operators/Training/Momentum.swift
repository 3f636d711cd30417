/// One step of gradient descent with momentum.
///
/// With `g = gradient + decay x`: `v' = alpha v + beta g`, where beta counts as 1 in step 0, and `x' = x - rate v'`, or
/// `x' = x - rate (g + alpha v')` after Nesterov. A NaN stays in its element.
package struct Momentum: OptimizerStep {
    package static let name = "Momentum"
    package static let accumulatedCount = 1
    package var alpha: Double
    package var beta: Double
    /// ONNX's `norm_coefficient`.
    package var decay: Double
    package var usesNesterov: Bool

    package init(alpha: Double, beta: Double, decay: Double, usesNesterov: Bool = false) {
        self.alpha = alpha
        self.beta = beta
        self.decay = decay
        self.usesNesterov = usesNesterov
    }

    package init(_ call: OperatorCall) throws(GraphError) {
        let mode = try call.string("mode")
        try call.require(
            mode == "standard" || mode == "nesterov", "the mode is standard or nesterov, not \(mode)")
        self.init(
            alpha: try call.float("alpha"), beta: try call.float("beta"),
            decay: try call.float("norm_coefficient"), usesNesterov: mode == "nesterov")
    }

    package func value(
        _ x: Double, gradient: Double, accumulated: inout [Double], rate: Double, step: Int
    ) -> Double {
        let g = decay * x + gradient
        let velocity = alpha * accumulated[0] + (step > 0 ? beta : 1) * g
        accumulated[0] = velocity
        return x - rate * (usesNesterov ? g + alpha * velocity : velocity)
    }
}

extension Momentum {
    package static let schema = stepSchema(
        "One step of gradient descent with momentum.", accumulated: "momentum",
        attributes: [
            .float("alpha", nil, "how much of the momentum is kept").required,
            .float("beta", nil, "how much of the gradient is added to it").required,
            .float("norm_coefficient", nil, "how much of the tensor is added to its gradient").required,
            .string("mode", nil, "standard or nesterov").required,
        ])

    package var callAttributes: [String: Attribute] {
        [
            "alpha": .float(alpha), "beta": .float(beta), "norm_coefficient": .float(decay),
            "mode": .string(usesNesterov ? "nesterov" : "standard"),
        ]
    }
}
