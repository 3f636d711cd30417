#if canImport(Glibc)
internal import Glibc
#endif

/// The input where it is positive, else `alpha * (exp(x / alpha) - 1)`; a NaN stays a NaN.
package struct Celu: ElementwiseOperator {
    package static let schema = OperatorSchema.elementwise(
        "Celu", since: 12, "The input where it is positive, else `alpha * (exp(X / alpha) - 1)`.", .float32,
        attributes: [.float("alpha", 1, "how far negative results go")])
    package static let operationsPerElement = 3
    package var alpha: Double

    package init(alpha: Double = 1) {
        self.alpha = alpha
    }

    package init(_ call: OperatorCall) throws {
        self.init(alpha: try call.float("alpha"))
    }

    package func value(at x: Double) -> Double { x > 0 ? x : alpha * expm1(x / alpha) }
}
