/// The quotient of two tensors, with NumPy's broadcasting.
///
/// A NaN in either operand gives NaN, and division of floats by 0 follows IEEE 754. Quotients of integers are
/// cut
/// towards zero, and division by 0 gives 0.
package struct Div: BroadcastingOperator, PlainOperator {
    package static let schema = OperatorSchema.broadcasting(
        "Div", since: 1,
        "The quotient of two tensors that broadcast to one shape; that of integers is cut towards zero.",
        .numbers)

    package init() {}

    package func value(_ left: Double, _ right: Double) -> Double { left / right }
    package func whole(_ left: Int128, _ right: Int128) -> Int128 { right == 0 ? 0 : left / right }

    package static let hasGradient = true

    package func gradient(
        of node: Node, outputGradients: [ValueID?], in builder: inout GraphBuilder
    ) throws(GraphError) -> [ValueID?] {
        guard let gradient = outputGradients[0] else { return [nil, nil] }
        let (left, right) = (node.inputs[0], node.inputs[1])

        // y = l / r, so that the gradient by r is -g y / r.
        let byLeft = try builder.add(Div(), [gradient, right])
        let scaled = try builder.add(Mul(), [byLeft, node.outputs[0]])
        let byRight = try builder.add(Neg(), [scaled])
        return [
            try builder.reduced(byLeft, toShapeOf: left),
            try builder.reduced(byRight, toShapeOf: right),
        ]
    }
}
