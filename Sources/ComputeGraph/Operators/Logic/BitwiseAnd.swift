/// The bits that are set in both operands, with NumPy's broadcasting.
package struct BitwiseAnd: WholeBroadcastingOperator, PlainOperator {
    package static let schema = OperatorSchema.broadcasting(
        "BitwiseAnd", since: 18, "The bits that are set in both operands.", .integers)

    package init() {}

    package func whole(_ left: Int128, _ right: Int128) -> Int128 { left & right }
}
