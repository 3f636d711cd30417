/// Where the first operand is greater than or equal to the second, with NumPy's broadcasting; with a NaN it
/// is false.
package struct GreaterOrEqual: ComparisonOperator, PlainOperator {
    package static let schema = OperatorSchema.broadcasting(
        "GreaterOrEqual", since: 12, "Whether elements of A are greater than or equal to those of B.",
        .numbers, giving: .bool)

    package init() {}

    package func holds<Number: Comparable>(_ left: Number, _ right: Number) -> Bool { left >= right }
}
