/// The bits that are set in exactly one operand, with NumPy's broadcasting.
package struct BitwiseXor: WholeBroadcastingOperator, PlainOperator {
    package static let schema = OperatorSchema.broadcasting(
        "BitwiseXor", since: 18, "The bits that are set in exactly one operand.", .integers)

    package init() {}

    package func whole(_ left: Int128, _ right: Int128) -> Int128 { left ^ right }
}
