/// 1 for the first largest element along the axis, a NaN being the largest, and 0 for the others.
package struct Hardmax: Operator {
    package static let name = "Hardmax"
    package var axis: Int

    package init(axis: Int = -1) { self.axis = axis }

    package func outputTypes(of inputs: [TensorType]) throws(GraphError) -> [TensorType] {
        try requireInputs(inputs, 1)
        try requireCommon(.floats, inputs)
        _ = try resolvedAxis(axis, rank: inputs[0].shape.rank)
        return inputs
    }

    package func reference(_ inputs: [HostTensor]) -> [HostTensor] {
        let type = inputs[0].type
        guard type.shape.count > 0 else { return inputs }
        let view = AxisView(type.shape, axis: axis)
        var values = [Double](repeating: 0, count: type.shape.count)
        var places = inputs[0].extremePlaces(along: axis, findsLargest: true)[...]
        view.forEachRow { start in values[start + places.removeFirst() * view.inner] = 1 }
        return [HostTensor(type, doubles: values)]
    }

    package func exactness(for inputs: [TensorType]) -> Exactness { .exact }
}

extension Hardmax: ModelOperator {
    package static let schema = OperatorSchema(
        "Hardmax", "1 for the first largest element along an axis, and 0 for the others.",
        inputs: [.required("input", .floats, "at least one axis")],
        outputs: [.required("output", .floats, "the shape of the input")],
        attributes: [
            .int(
                "axis", nil, "the axis, else the last; before version 13 all axes from it on, else from 1 on")
        ])

    package static func build(_ call: OperatorCall, in graph: inout GraphBuilder) throws -> [GraphValue] {
        let data = try call.input(0)
        let axis = try call.optionalInt("axis")
        if call.version >= 13 { return [.tensor(try graph.add(Hardmax(axis: axis ?? -1), [data]))] }
        let rows = try graph.add(Flatten(axis: axis ?? 1), [data])
        let result = try graph.add(Hardmax(axis: 1), [rows])
        return [.tensor(try graph.reshaped(result, to: graph.type(of: data).shape.extents))]
    }
}
