#if canImport(Glibc)
internal import Glibc
#endif

/// One step of Adam as ONNX has it.
///
/// With `g = gradient + decay x`: `v' = alpha v + (1 - alpha) g`, `h' = beta h + (1 - beta) g g`,
/// `r = rate sqrt(1 - beta^t) / (1 - alpha^t)`, or the rate itself in step 0, and
/// `x' = (1 - decayAfter) (x - r v' / (sqrt(h') + epsilon))`. A NaN stays in its element.
package struct Adam: OptimizerStep {
    package static let name = "Adam"
    package static let accumulatedCount = 2
    package var alpha: Double
    package var beta: Double
    package var epsilon: Double
    /// ONNX's `norm_coefficient` and `norm_coefficient_post`.
    package var decay: Double
    package var decayAfter: Double

    package init(
        alpha: Double = 0.9, beta: Double = 0.999, epsilon: Double = 1e-6, decay: Double = 0,
        decayAfter: Double = 0
    ) {
        self.alpha = alpha
        self.beta = beta
        self.epsilon = epsilon
        self.decay = decay
        self.decayAfter = decayAfter
    }

    package init(_ call: OperatorCall) throws(GraphError) {
        self.init(
            alpha: try call.float("alpha"), beta: try call.float("beta"), epsilon: try call.float("epsilon"),
            decay: try call.float("norm_coefficient"), decayAfter: try call.float("norm_coefficient_post"))
    }

    package func value(
        _ x: Double, gradient: Double, accumulated: inout [Double], rate: Double, step: Int
    ) -> Double {
        let g = decay * x + gradient
        accumulated[0] = alpha * accumulated[0] + (1 - alpha) * g
        accumulated[1] = beta * accumulated[1] + (1 - beta) * g * g
        let time = Double(step)
        let adjusted = step > 0 ? rate * (1 - pow(beta, time)).squareRoot() / (1 - pow(alpha, time)) : rate
        return (1 - decayAfter) * (x - adjusted * accumulated[0] / (accumulated[1].squareRoot() + epsilon))
    }
}

extension Adam {
    package static let schema = stepSchema(
        "One step of Adam.", accumulated: "mean gradient of each, then the mean squared gradient",
        attributes: [
            .float("alpha", 0.9, "how much of the mean gradient is kept"),
            .float("beta", 0.999, "how much of the mean squared gradient is kept"),
            .float("epsilon", 1e-6, "added to the divisor"),
            .float("norm_coefficient", 0, "how much of the tensor is added to its gradient"),
            .float("norm_coefficient_post", 0, "which part of the new tensor is taken away"),
        ])

    package var callAttributes: [String: Attribute] {
        [
            "alpha": .float(alpha), "beta": .float(beta), "epsilon": .float(epsilon),
            "norm_coefficient": .float(decay), "norm_coefficient_post": .float(decayAfter),
        ]
    }
}
