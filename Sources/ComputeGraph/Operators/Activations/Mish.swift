#if canImport(Glibc)
internal import Glibc
#endif

/// `x * tanh(log(1 + exp(x)))`; a NaN stays a NaN.
package struct Mish: ElementwiseOperator, PlainOperator {
    package static let schema = OperatorSchema.elementwise(
        "Mish", since: 18, "`X * tanh(log(1 + exp(X)))`.", .floats)
    package static let operationsPerElement = 5

    package init() {}

    package func value(at x: Double) -> Double { x * tanh(Softplus().value(at: x)) }
}
