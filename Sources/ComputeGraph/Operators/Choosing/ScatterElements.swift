/// The first input with elements of the third put in, one by one, where the indices of the second say.
///
/// A negative index counts from the back; one outside the tensor puts nothing in. An element that joins the one that
/// is there is rounded once, after all have joined.
package struct ScatterElements: Operator {
    package static let name = "ScatterElements"
    package var axis: Int
    package var reduction: ScatterReduction

    package init(axis: Int = 0, reduction: ScatterReduction = .none) {
        self.axis = axis
        self.reduction = reduction
    }

    package func outputTypes(of inputs: [TensorType]) throws(GraphError) -> [TensorType] {
        try requireInputs(inputs, 3)
        try requireElementIndices(inputs[1], in: inputs[0], axis: axis)
        try requireScatter(inputs[2], into: inputs[0], reduction)
        try requireShape(inputs[2], inputs[1].shape, "the tensor of updates")
        return [inputs[0]]
    }

    package func reference(_ inputs: [HostTensor]) -> [HostTensor] {
        let shape = inputs[0].type.shape
        guard inputs[1].type.shape.count > 0 else { return [inputs[0]] }
        let places = ElementIndices(axis: axis < 0 ? axis + shape.rank : axis)
        let grid = OffsetGrid([places.offsets(inputs[1], in: shape)])
        return [reduction.apply(inputs[2], to: inputs[0], at: grid)]
    }

    package func exactness(for inputs: [TensorType]) -> Exactness {
        reduction == .none || !inputs[0].element.isFloating
            ? .exact : .accumulated(terms: inputs[1].shape.count)
    }
}

extension ScatterElements: ModelOperator {
    package static let schema = OperatorSchema(
        "ScatterElements", since: 11, "A tensor with elements put in one by one along an axis.",
        inputs: [
            .required("data", .tensors, "at least one axis"),
            .required("indices", .indices, "as many axes; negative ones count from the end"),
            .required("updates", .tensors, "the elements to put in, of the shape of the indices"),
        ],
        outputs: [.required("output", .tensors, "the shape of data")],
        attributes: [.int("axis", 0, "the axis that the indices count along"), ScatterReduction.attribute])

    package static func build(_ call: OperatorCall, in graph: inout GraphBuilder) throws -> [GraphValue] {
        let scatter = ScatterElements(axis: try call.int("axis"), reduction: try ScatterReduction(call))
        return [.tensor(try graph.addForAny(scatter, call.allInputs()))]
    }
}
