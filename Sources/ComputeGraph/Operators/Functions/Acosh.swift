#if canImport(Glibc)
internal import Glibc
#endif

/// The number from 0 up that has the given hyperbolic cosine; below 1 it is NaN.
package struct Acosh: ElementwiseOperator, PlainOperator {
    package static let schema = OperatorSchema.elementwise(
        "Acosh", since: 9, "The number from 0 up that has the given hyperbolic cosine.", .floats,
        names: ("input", "output"))

    package init() {}

    package func value(at x: Double) -> Double { acosh(x) }
}
