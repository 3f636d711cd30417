#if canImport(Glibc)
internal import Glibc
#endif

/// The angle in radians from -pi/2 to pi/2 that has the given sine; outside of -1 to 1 it is NaN.
package struct Asin: ElementwiseOperator, PlainOperator {
    package static let schema = OperatorSchema.elementwise(
        "Asin", since: 7, "The angle in radians from -pi/2 to pi/2 that has the given sine.", .floats,
        names: ("input", "output"))

    package init() {}

    package func value(at x: Double) -> Double { asin(x) }
}
