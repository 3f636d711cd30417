/// The difference of two tensors, with NumPy's broadcasting.
///
/// A NaN in either operand gives NaN, and integers wrap around.
package struct Sub: BroadcastingOperator, PlainOperator {
    package static let schema = OperatorSchema.broadcasting(
        "Sub", since: 1, "The difference of two tensors that broadcast to one shape.", .numbers)

    package init() {}

    package func value(_ left: Double, _ right: Double) -> Double { left - right }
    package func whole(_ left: Int128, _ right: Int128) -> Int128 { left &- right }

    package static let hasGradient = true

    package func gradient(
        of node: Node, outputGradients: [ValueID?], in builder: inout GraphBuilder
    ) throws(GraphError) -> [ValueID?] {
        guard let gradient = outputGradients[0] else { return [nil, nil] }
        let (left, right) = (node.inputs[0], node.inputs[1])

        let negative = try builder.add(Neg(), [gradient])
        return [
            try builder.reduced(gradient, toShapeOf: left),
            try builder.reduced(negative, toShapeOf: right),
        ]
    }
}
