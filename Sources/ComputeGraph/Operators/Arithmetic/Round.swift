/// The nearest whole number, of two the even one; a NaN stays a NaN.
package struct Round: ElementwiseOperator, PlainOperator {
    package static let schema = OperatorSchema.elementwise(
        "Round", since: 11, "The nearest whole number, of two the even one.", .floats)

    package init() {}

    package func value(at x: Double) -> Double { x.rounded(.toNearestOrEven) }
}
