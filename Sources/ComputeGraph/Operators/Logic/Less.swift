/// Where the first operand is less than the second, with NumPy's broadcasting; with a NaN it is false.
package struct Less: ComparisonOperator, PlainOperator {
    package static let schema = OperatorSchema.broadcasting(
        "Less", since: 1, "Whether elements of A are less than those of B.", .numbers, giving: .bool)

    package init() {}

    package func holds<Number: Comparable>(_ left: Number, _ right: Number) -> Bool { left < right }
}
