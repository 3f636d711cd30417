/// The sum of two tensors, with NumPy's broadcasting; a NaN in either operand gives NaN.
package struct Add: BroadcastingOperator {
    package static let name = "Add"

    package init() {}

    package func value(_ left: Double, _ right: Double) -> Double { left + right }

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

extension Add: ModelOperator {
    package static let schema = OperatorSchema(
        "Add", "The sum of two tensors that broadcast to one shape.",
        inputs: [.required("A", .numbers, "any shape"), .required("B", .numbers, "broadcasts with A")],
        outputs: [.required("C", .numbers, "the shape that A and B take together")],
        attributes: [
            .int("broadcast", 0, "before version 7: whether B is repeated along the axes it lacks"),
            .int("axis", nil, "before version 7: the axis of A at which those of B start"),
        ])

    package static func build(_ call: OperatorCall, in graph: inout GraphBuilder) throws -> [GraphValue] {
        let (left, right) = try call.broadcastOperands(in: &graph)
        return [.tensor(try graph.add(Add(), [left, right]))]
    }
}
