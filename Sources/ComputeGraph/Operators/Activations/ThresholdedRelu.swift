/// The input where it is greater than `alpha`, else 0, also for a NaN.
package struct ThresholdedRelu: ElementwiseOperator {
    package static let schema = OperatorSchema.elementwise(
        "ThresholdedRelu", since: 10, "The input where it is greater than alpha, else 0.", .floats,
        attributes: [.float("alpha", 1, "the threshold")])
    package var alpha: Double

    package init(alpha: Double = 1) {
        self.alpha = alpha
    }

    package init(_ call: OperatorCall) throws {
        self.init(alpha: try call.float("alpha"))
    }

    package func value(at x: Double) -> Double { x > alpha ? x : 0 }
}
