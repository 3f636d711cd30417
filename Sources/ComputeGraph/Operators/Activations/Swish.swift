#if canImport(Glibc)
internal import Glibc
#endif

/// `x / (1 + exp(-alpha * x))`; a NaN stays a NaN.
package struct Swish: ElementwiseOperator {
    package static let schema = OperatorSchema.elementwise(
        "Swish", since: 24, "`X / (1 + exp(-alpha * X))`.", .floats,
        attributes: [.float("alpha", 1, "how steep the step is")])
    package static let operationsPerElement = 4
    package var alpha: Double

    package init(alpha: Double = 1) {
        self.alpha = alpha
    }

    package init(_ call: OperatorCall) throws {
        self.init(alpha: try call.float("alpha"))
    }

    package func value(at x: Double) -> Double { x / (1 + exp(-alpha * x)) }
}
