#if canImport(Glibc)
internal import Glibc
#endif

/// The tangent of an angle in radians; an infinity or NaN gives NaN.
package struct Tan: ElementwiseOperator, PlainOperator {
    package static let schema = OperatorSchema.elementwise(
        "Tan", since: 7, "The tangent of an angle in radians.", .floats, names: ("input", "output"))

    package init() {}

    package func value(at x: Double) -> Double { tan(x) }
}
