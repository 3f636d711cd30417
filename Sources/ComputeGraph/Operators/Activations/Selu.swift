/// `gamma` times an `Elu`, whose constants keep means and variances of layers; a NaN stays a NaN.
package struct Selu: ElementwiseOperator {
    package static let schema = OperatorSchema.elementwise(
        "Selu", since: 1, "gamma times `X` where it is positive, else gamma times `alpha * (exp(X) - 1)`.",
        .floats,
        attributes: [
            .float("alpha", 1.673_263_192_176_818_8, "how far negative results go"),
            .float("gamma", 1.050_701_022_148_132_3, "the scale"),
        ])
    package static let operationsPerElement = 3
    package var alpha: Double
    package var gamma: Double

    package init(alpha: Double = 1.673_263_192_176_818_8, gamma: Double = 1.050_701_022_148_132_3) {
        self.alpha = alpha
        self.gamma = gamma
    }

    /// Before version 6 the constants had four decimal places.
    package init(_ call: OperatorCall) throws {
        let isShort = call.version < 6
        self.init(
            alpha: isShort && !call.has("alpha") ? 1.6732 : try call.float("alpha"),
            gamma: isShort && !call.has("gamma") ? 1.0507 : try call.float("gamma"))
    }

    package func value(at x: Double) -> Double { gamma * Elu(alpha: alpha).value(at: x) }
}
