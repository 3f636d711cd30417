/// -1 for negative numbers, 1 for positive ones, and 0 for zeros; a NaN stays a NaN.
package struct Sign: ElementwiseOperator, PlainOperator {
    package static let schema = OperatorSchema.elementwise(
        "Sign", since: 9, "-1, 0 or 1 as the input is less than, equal to or greater than 0.", .numbers,
        names: ("input", "output"))

    package init() {}

    package func value(at x: Double) -> Double { x > 0 ? 1 : x < 0 ? -1 : x }
    package func whole(at x: Int128) -> Int128 { x.signum() }
}
