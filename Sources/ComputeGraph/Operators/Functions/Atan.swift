#if canImport(Glibc)
internal import Glibc
#endif

/// The angle in radians from -pi/2 to pi/2 that has the given tangent; a NaN stays a NaN.
package struct Atan: ElementwiseOperator, PlainOperator {
    package static let schema = OperatorSchema.elementwise(
        "Atan", since: 7, "The angle in radians from -pi/2 to pi/2 that has the given tangent.", .floats,
        names: ("input", "output"))

    package init() {}

    package func value(at x: Double) -> Double { atan(x) }
}
