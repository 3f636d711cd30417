/// Elements chosen one by one along an axis; their other coordinates are those of their indices.
///
/// A negative index counts from the back. One outside the tensor gives NaN for floating types and zero for others.
package struct GatherElements: MovementOperator {
    package static let name = "GatherElements"
    package var axis: Int

    package init(axis: Int = 0) { self.axis = axis }

    package func outputTypes(of inputs: [TensorType]) throws(GraphError) -> [TensorType] {
        try requireInputs(inputs, 2)
        try requireElementIndices(inputs[1], in: inputs[0], axis: axis)
        return [TensorType(inputs[0].element, inputs[1].shape)]
    }

    package func reference(_ inputs: [HostTensor]) -> [HostTensor] {
        let type = knownOutputTypes(inputs)[0]
        guard type.shape.count > 0 else { return [HostTensor(zeros: type)] }
        let shape = inputs[0].type.shape
        let places = ElementIndices(axis: axis < 0 ? axis + shape.rank : axis)
        let grid = OffsetGrid([places.offsets(inputs[1], in: shape)])
        return [inputs[0].moved(to: type, by: grid, filling: .missing(type.element))]
    }

    package static let hasGradient = true

    package func gradient(
        of node: Node, outputGradients: [ValueID?], in builder: inout GraphBuilder
    ) throws(GraphError) -> [ValueID?] {
        guard let gradient = outputGradients[0] else { return [nil, nil] }
        let data = builder.type(of: node.inputs[0])
        let zeros = builder.constant("zeros", HostTensor(zeros: data))
        let scatter = ScatterElements(axis: axis, reduction: .add)
        return [try builder.add(scatter, [zeros, node.inputs[1], gradient]), nil]
    }
}

extension GatherElements: ModelOperator {
    package static let schema = OperatorSchema(
        "GatherElements", since: 11, "Elements chosen one by one along an axis.",
        inputs: [
            .required("data", .tensors, "at least one axis"),
            .required("indices", .indices, "as many axes; negative ones count from the end"),
        ],
        outputs: [.required("output", .tensors, "the shape of the indices")],
        attributes: [.int("axis", 0, "the axis that the indices count along")])

    package static func build(_ call: OperatorCall, in graph: inout GraphBuilder) throws -> [GraphValue] {
        let gather = GatherElements(axis: try call.int("axis"))
        return [.tensor(try graph.addForAny(gather, [call.input(0), call.input(1)]))]
    }
}
