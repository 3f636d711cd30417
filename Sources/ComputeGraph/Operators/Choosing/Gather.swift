/// Slices of the first input along one axis, chosen by the indices in the second.
///
/// A negative index counts from the back. One outside the tensor gives NaN for floating types and 0 for others,
/// so that bad data shows in the result and reads no foreign memory.
package struct Gather: GridOperator {
    package static let name = "Gather"
    package var axis: Int

    package init(axis: Int = 0) { self.axis = axis }

    package func outputTypes(of inputs: [TensorType]) throws(GraphError) -> [TensorType] {
        try requireInputs(inputs, 2)
        try requireIndices(inputs[1])
        let axis = try resolvedAxis(axis, rank: inputs[0].shape.rank)
        var extents = inputs[0].shape.extents
        extents.replaceSubrange(axis...axis, with: inputs[1].shape.extents)
        return [TensorType(inputs[0].element, try Shape(checking: extents))]
    }

    package func grid(_ inputs: [HostTensor], to result: Shape) -> OffsetGrid {
        let view = AxisView(inputs[0].type.shape, axis: axis)
        return OffsetGrid([
            OffsetGrid.steps(view.outer, stride: view.length * view.inner),
            resolvedIndices(inputs[1], extent: view.length).map { $0.map { $0 * view.inner } ?? -1 },
            OffsetGrid.steps(view.inner, stride: 1),
        ])
    }

    package func filling(_ inputs: [HostTensor]) -> HostTensor? { .missing(inputs[0].type.element) }

    package static let hasGradient = true

    package func gradient(
        of node: Node, outputGradients: [ValueID?], in builder: inout GraphBuilder
    ) throws(GraphError) -> [ValueID?] {
        guard let gradient = outputGradients[0] else { return [nil, nil] }
        let shape = builder.type(of: node.inputs[0]).shape
        let byData = try builder.add(
            GatherGradient(axis: axis, inputShape: shape), [gradient, node.inputs[1]])
        return [byData, nil]
    }
}

/// The index counted from the front, or nil where it lies outside.
func resolvedIndex(_ index: Int, extent: Int) -> Int? {
    guard index >= -extent, index < extent else { return nil }
    return index < 0 ? index + extent : index
}

extension Gather: ModelOperator {
    package static let schema = OperatorSchema(
        "Gather", "Slices along one axis, chosen by indices.",
        inputs: [
            .required("data", .tensors, "at least one axis"),
            .required("indices", .indices, "any shape; negative ones count from the end"),
        ],
        outputs: [
            .required("output", .tensors, "the shape of data with the axes of indices in place of the axis")
        ],
        attributes: [.int("axis", 0, "the axis of data; a negative one counts from the last")])

    package static func build(_ call: OperatorCall, in graph: inout GraphBuilder) throws -> [GraphValue] {
        [.tensor(try graph.addForAny(Gather(axis: call.int("axis")), [call.input(0), call.input(1)]))]
    }
}
