/// The opposite of each truth value.
package struct Not: ElementwiseOperator, PlainOperator {
    package static let schema = OperatorSchema.elementwise(
        "Not", since: 1, "The opposite of each truth value.", .bool)

    package init() {}

    package func value(at x: Double) -> Double { x == 0 ? 1 : 0 }
    package func whole(at x: Int128) -> Int128 { x == 0 ? 1 : 0 }
}
