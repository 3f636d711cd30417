/// The product of two tensors element by element, with NumPy's broadcasting; a NaN in either operand gives NaN.
package struct Mul: BroadcastingOperator {
    package static let name = "Mul"

    package init() {}

    package func value(_ left: Double, _ right: Double) -> Double { left * right }

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
