/// The gradient of `Gather` by its first input: each slice of the output's gradient added where it was taken.
///
/// Inputs: the output's gradient and the indices. Slices chosen more than once add up in the order of the
/// indices; an index outside the tensor adds nothing.
package struct GatherGradient: Operator {
    package static let name = "GatherGradient"
    package var axis: Int
    package var inputShape: Shape

    package init(axis: Int = 0, inputShape: Shape) {
        self.axis = axis
        self.inputShape = inputShape
    }

    package func outputTypes(of inputs: [TensorType]) throws(GraphError) -> [TensorType] {
        try requireInputs(inputs, 2)
        let x = TensorType(try requireFloating(inputs[..<1]), inputShape)
        let y = try Gather(axis: axis).outputTypes(of: [x, inputs[1]])[0]
        try requireShape(inputs[0], y.shape, "the output's gradient")
        return [x]
    }

    package func reference(_ inputs: [HostTensor]) -> [HostTensor] {
        let gradient = inputs[0].doubles
        let view = AxisView(inputShape, axis: axis)
        let indices = inputs[1].indices
        var result = [Double](repeating: 0, count: inputShape.count)
        for index in gradient.indices {
            let place = index / view.inner
            guard let chosen = resolvedIndex(indices[place % indices.count], extent: view.length) else {
                continue
            }
            let target = (place / indices.count * view.length + chosen) * view.inner + index % view.inner
            result[target] += gradient[index]
        }
        return [HostTensor(TensorType(inputs[0].type.element, inputShape), doubles: result)]
    }

    package func exactness(for inputs: [TensorType]) -> Exactness {
        .accumulated(terms: inputs[1].shape.count)
    }

    package func floatingPointOperations(inputs: [TensorType], outputs: [TensorType]) -> Int {
        inputs[0].shape.count
    }
}
