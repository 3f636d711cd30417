/// The quotient of two tensors, with NumPy's broadcasting; a NaN in either operand gives NaN, and division by 0 follows IEEE 754.
package struct Div: BroadcastingOperator {
    package static let name = "Div"

    package init() {}

    package func value(_ left: Double, _ right: Double) -> Double { left / right }

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
