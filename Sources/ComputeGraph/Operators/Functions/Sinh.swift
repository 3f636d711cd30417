#if canImport(Glibc)
internal import Glibc
#endif

/// The hyperbolic sine; a NaN stays a NaN.
package struct Sinh: ElementwiseOperator, PlainOperator {
    package static let schema = OperatorSchema.elementwise(
        "Sinh", since: 9, "The hyperbolic sine.", .floats, names: ("input", "output"))

    package init() {}

    package func value(at x: Double) -> Double { sinh(x) }
}
