/// Where the first operand is greater than the second, with NumPy's broadcasting; with a NaN it is false.
package struct Greater: ComparisonOperator, PlainOperator {
    package static let schema = OperatorSchema.broadcasting(
        "Greater", since: 1, "Whether elements of A are greater than those of B.", .numbers, giving: .bool)

    package init() {}

    package func holds<Number: Comparable>(_ left: Number, _ right: Number) -> Bool { left > right }
}
