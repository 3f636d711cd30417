/// The greatest whole number that is not more than the input; a NaN stays a NaN.
package struct Floor: ElementwiseOperator, PlainOperator {
    package static let schema = OperatorSchema.elementwise(
        "Floor", since: 1, "The greatest whole number that is not more than the input.", .floats)

    package init() {}

    package func value(at x: Double) -> Double { x.rounded(.down) }
}
