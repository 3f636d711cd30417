#if canImport(Glibc)
internal import Glibc
#endif

/// The number that has the given hyperbolic sine; a NaN stays a NaN.
package struct Asinh: ElementwiseOperator, PlainOperator {
    package static let schema = OperatorSchema.elementwise(
        "Asinh", since: 9, "The number that has the given hyperbolic sine.", .floats,
        names: ("input", "output"))

    package init() {}

    package func value(at x: Double) -> Double { asinh(x) }
}
