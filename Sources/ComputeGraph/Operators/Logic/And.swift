/// Where both operands hold, with NumPy's broadcasting.
package struct And: WholeBroadcastingOperator, PlainOperator {
    package static let schema = OperatorSchema.broadcasting(
        "And", since: 1, "Whether both operands hold.", .bool)

    package init() {}

    package func whole(_ left: Int128, _ right: Int128) -> Int128 { left & right }
}
