/// A matrix of the same elements: the axes before `axis` become the rows, the others the columns.
package struct Flatten: MovementOperator {
    package static let name = "Flatten"
    package var axis: Int

    package init(axis: Int = 1) { self.axis = axis }

    package func outputTypes(of inputs: [TensorType]) throws(GraphError) -> [TensorType] {
        try requireInputs(inputs, 1)
        let extents = inputs[0].shape.extents
        try require(
            axis >= -extents.count && axis <= extents.count, "axis \(axis) is not in \(inputs[0].shape)")
        let split = axis < 0 ? axis + extents.count : axis
        let shape: Shape = [extents[..<split].reduce(1, *), extents[split...].reduce(1, *)]
        return [TensorType(inputs[0].element, shape)]
    }

    package func reference(_ inputs: [HostTensor]) -> [HostTensor] {
        [inputs[0].reshaped(to: knownOutputTypes(inputs)[0].shape)]
    }

    package static let hasGradient = true

    package func gradient(
        of node: Node, outputGradients: [ValueID?], in builder: inout GraphBuilder
    ) throws(GraphError) -> [ValueID?] {
        guard let gradient = outputGradients[0] else { return [nil] }
        return [try builder.reshaped(gradient, toShapeOf: node.inputs[0])]
    }
}

extension Flatten: ModelOperator {
    package static let schema = OperatorSchema(
        "Flatten", "A matrix of the same elements in the same order.",
        inputs: [.required("input", .tensors, "any shape")],
        outputs: [.required("output", .tensors, "rows of the axes before `axis`, columns of the others")],
        attributes: [.int("axis", 1, "the first axis of the columns, from minus the number of axes up to it")]
    )

    package static func build(_ call: OperatorCall, in graph: inout GraphBuilder) throws -> [GraphValue] {
        [.tensor(try graph.addForAny(Flatten(axis: call.int("axis")), [call.input(0)]))]
    }
}
