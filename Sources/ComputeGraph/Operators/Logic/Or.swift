/// Where at least one operand holds, with NumPy's broadcasting.
package struct Or: WholeBroadcastingOperator, PlainOperator {
    package static let schema = OperatorSchema.broadcasting(
        "Or", since: 1, "Whether at least one operand holds.", .bool)

    package init() {}

    package func whole(_ left: Int128, _ right: Int128) -> Int128 { left | right }
}
