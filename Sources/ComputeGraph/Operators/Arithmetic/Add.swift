/// The sum of two tensors, with NumPy's broadcasting.
///
/// A NaN in either operand gives NaN, and integers wrap around.
package struct Add: BroadcastingOperator, PlainOperator {
    package static let schema = OperatorSchema.broadcasting(
        "Add", since: 1, "The sum of two tensors that broadcast to one shape.", .numbers)

    package init() {}

    package func value(_ left: Double, _ right: Double) -> Double { left + right }
    package func whole(_ left: Int128, _ right: Int128) -> Int128 { left &+ right }

    package static let hasGradient = true

    package func gradient(
        of node: Node, outputGradients: [ValueID?], in builder: inout GraphBuilder
    ) throws(GraphError) -> [ValueID?] {
        guard let gradient = outputGradients[0] else { return [nil, nil] }
        let (left, right) = (node.inputs[0], node.inputs[1])

        return [
            try builder.reduced(gradient, toShapeOf: left),
            try builder.reduced(gradient, toShapeOf: right),
        ]
    }
}
