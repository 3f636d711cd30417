/// The product of two tensors element by element, with NumPy's broadcasting.
///
/// A NaN in either operand gives NaN, and integers wrap around.
package struct Mul: BroadcastingOperator, PlainOperator {
    package static let schema = OperatorSchema.broadcasting(
        "Mul", since: 1, "The product of two tensors that broadcast to one shape.", .numbers)

    package init() {}

    package func value(_ left: Double, _ right: Double) -> Double { left * right }
    package func whole(_ left: Int128, _ right: Int128) -> Int128 { left &* right }

    package static let hasGradient = true

    package func gradient(
        of node: Node, outputGradients: [ValueID?], in builder: inout GraphBuilder
    ) throws(GraphError) -> [ValueID?] {
        guard let gradient = outputGradients[0] else { return [nil, nil] }
        let (left, right) = (node.inputs[0], node.inputs[1])

        let byLeft = try builder.add(Mul(), [gradient, right])
        let byRight = try builder.add(Mul(), [gradient, left])
        return [
            try builder.reduced(byLeft, toShapeOf: left),
            try builder.reduced(byRight, toShapeOf: right),
        ]
    }
}
