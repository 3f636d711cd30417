/// The bits that are set in at least one operand, with NumPy's broadcasting.
package struct BitwiseOr: WholeBroadcastingOperator, PlainOperator {
    package static let schema = OperatorSchema.broadcasting(
        "BitwiseOr", since: 18, "The bits that are set in at least one operand.", .integers)

    package init() {}

    package func whole(_ left: Int128, _ right: Int128) -> Int128 { left | right }
}
