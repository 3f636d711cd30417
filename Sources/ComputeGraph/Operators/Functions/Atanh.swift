#if canImport(Glibc)
internal import Glibc
#endif

/// The number that has the given hyperbolic tangent; outside of -1 to 1 it is NaN.
package struct Atanh: ElementwiseOperator, PlainOperator {
    package static let schema = OperatorSchema.elementwise(
        "Atanh", since: 9, "The number that has the given hyperbolic tangent.", .floats,
        names: ("input", "output"))

    package init() {}

    package func value(at x: Double) -> Double { atanh(x) }
}
