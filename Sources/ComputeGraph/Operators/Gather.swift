/// Slices of the first input along one axis, chosen by the indices in the second.
///
/// A negative index counts from the back. One outside the tensor gives NaN for floating types and 0 for others,
/// so that bad data shows in the result and reads no foreign memory.
package struct Gather: MovementOperator {
    package static let name = "Gather"
    package var axis: Int

    package init(axis: Int = 0) { self.axis = axis }

    package func outputTypes(of inputs: [TensorType]) throws(GraphError) -> [TensorType] {
        try requireInputs(inputs, 2)
        try requireIndices(inputs[1])
        let axis = try resolvedAxis(axis, rank: inputs[0].shape.rank)
        var extents = inputs[0].shape.extents
        extents.replaceSubrange(axis...axis, with: inputs[1].shape.extents)
        return [TensorType(inputs[0].element, Shape(extents))]
    }

    package func reference(_ inputs: [HostTensor]) -> [HostTensor] {
        let type = knownOutputTypes(inputs)[0]
        let view = AxisView(inputs[0].type.shape, axis: axis)
        let indices = inputs[1].indices
        func source(_ index: Int) -> Int? {
            let place = index / view.inner
            guard let chosen = resolvedIndex(indices[place % indices.count], extent: view.length) else {
                return nil
            }
            return (place / indices.count * view.length + chosen) * view.inner + index % view.inner
        }
        let moved = inputs[0].moved(to: type, source: source)
        guard type.element.isFloating else { return [moved] }
        // The one value that is made, not moved.
        var values = moved.doubles
        for index in values.indices where source(index) == nil { values[index] = .nan }
        return [HostTensor(type, doubles: values)]
    }

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
