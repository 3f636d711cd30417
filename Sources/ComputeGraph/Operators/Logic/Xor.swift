/// Where exactly one operand holds, with NumPy's broadcasting.
package struct Xor: WholeBroadcastingOperator, PlainOperator {
    package static let schema = OperatorSchema.broadcasting(
        "Xor", since: 1, "Whether exactly one operand holds.", .bool)

    package init() {}

    package func whole(_ left: Int128, _ right: Int128) -> Int128 { left ^ right }
}
