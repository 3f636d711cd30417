/// The opposite of each bit of an integer.
package struct BitwiseNot: ElementwiseOperator, PlainOperator {
    package static let schema = OperatorSchema.elementwise(
        "BitwiseNot", since: 18, "The opposite of each bit.", .integers)

    package init() {}

    package func value(at x: Double) -> Double { -1 - x }
    package func whole(at x: Int128) -> Int128 { ~x }
}
