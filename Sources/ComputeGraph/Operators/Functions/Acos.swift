#if canImport(Glibc)
internal import Glibc
#endif

/// The angle in radians from 0 to pi that has the given cosine; outside of -1 to 1 it is NaN.
package struct Acos: ElementwiseOperator, PlainOperator {
    package static let schema = OperatorSchema.elementwise(
        "Acos", since: 7, "The angle in radians from 0 to pi that has the given cosine.", .floats,
        names: ("input", "output"))

    package init() {}

    package func value(at x: Double) -> Double { acos(x) }
}
