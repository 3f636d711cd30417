#if canImport(Glibc)
internal import Glibc
#endif

/// The hyperbolic cosine; a NaN stays a NaN.
package struct Cosh: ElementwiseOperator, PlainOperator {
    package static let schema = OperatorSchema.elementwise(
        "Cosh", since: 9, "The hyperbolic cosine.", .floats, names: ("input", "output"))

    package init() {}

    package func value(at x: Double) -> Double { cosh(x) }
}
