/// The least whole number that is not less than the input; a NaN stays a NaN.
package struct Ceil: ElementwiseOperator, PlainOperator {
    package static let schema = OperatorSchema.elementwise(
        "Ceil", since: 1, "The least whole number that is not less than the input.", .floats)

    package init() {}

    package func value(at x: Double) -> Double { x.rounded(.up) }
}
