/// Where the input is not a number.
package struct IsNaN: ElementwiseOperator, PlainOperator {
    package static let schema = OperatorSchema.elementwise(
        "IsNaN", since: 9, "Whether the input is not a number.", [.floats, .smallFloats], giving: .bool)

    package init() {}

    package func value(at x: Double) -> Double { x.isNaN ? 1 : 0 }
}
