/// One step of Adagrad.
///
/// With `g = gradient + decay x`: `h' = h + g g` and
/// `x' = x - rate / (1 + t rateDecay) * g / (sqrt(h') + epsilon)`. A NaN stays in its element.
/// Reference: Duchi, Hazan and Singer, https://jmlr.org/papers/v12/duchi11a.html
package struct Adagrad: OptimizerStep {
    package static let name = "Adagrad"
    package static let accumulatedCount = 1
    package var epsilon: Double
    /// ONNX's `decay_factor`.
    package var rateDecay: Double
    /// ONNX's `norm_coefficient`.
    package var decay: Double

    package init(epsilon: Double = 1e-6, rateDecay: Double = 0, decay: Double = 0) {
        self.epsilon = epsilon
        self.rateDecay = rateDecay
        self.decay = decay
    }

    package init(_ call: OperatorCall) throws(GraphError) {
        self.init(
            epsilon: try call.float("epsilon"), rateDecay: try call.float("decay_factor"),
            decay: try call.float("norm_coefficient"))
    }

    package func value(
        _ x: Double, gradient: Double, accumulated: inout [Double], rate: Double, step: Int
    ) -> Double {
        let g = decay * x + gradient
        accumulated[0] += g * g
        return x - rate / (1 + Double(step) * rateDecay) * g / (accumulated[0].squareRoot() + epsilon)
    }
}

extension Adagrad {
    package static let schema = stepSchema(
        "One step of Adagrad.", accumulated: "sum of squared gradients",
        attributes: [
            .float("epsilon", 1e-6, "added to the divisor"),
            .float("decay_factor", 0, "how fast the learning rate falls from step to step"),
            .float("norm_coefficient", 0, "how much of the tensor is added to its gradient"),
        ])

    package var callAttributes: [String: Attribute] {
        [
            "epsilon": .float(epsilon), "decay_factor": .float(rateDecay), "norm_coefficient": .float(decay),
        ]
    }
}
