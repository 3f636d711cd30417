/// The first input with slices of the third put in where the coordinates of the second say.
///
/// A negative coordinate counts from the back; one outside the tensor puts nothing in. A slice that joins what is
/// there is rounded once, after all have joined.
package struct ScatterND: Operator {
    package static let name = "ScatterND"
    package var reduction: ScatterReduction

    package init(reduction: ScatterReduction = .none) { self.reduction = reduction }

    package func outputTypes(of inputs: [TensorType]) throws(GraphError) -> [TensorType] {
        try requireInputs(inputs, 3)
        let count = try requireCoordinates(inputs[1], in: inputs[0])
        try requireScatter(inputs[2], into: inputs[0], reduction)
        let slices = inputs[1].shape.extents.dropLast() + inputs[0].shape.extents[count...]
        try requireShape(inputs[2], try Shape(checking: Array(slices)), "the tensor of updates")
        return [inputs[0]]
    }

    package func reference(_ inputs: [HostTensor]) -> [HostTensor] {
        let count = inputs[2].type.shape.count
        guard count > 0 else { return [inputs[0]] }
        let starts = inputs[1].sliceOffsets(in: inputs[0].type.shape, batchAxes: 0)
        let grid = OffsetGrid([starts, OffsetGrid.steps(count / starts.count, stride: 1)])
        return [reduction.apply(inputs[2], to: inputs[0], at: grid)]
    }

    package func exactness(for inputs: [TensorType]) -> Exactness {
        reduction == .none || !inputs[0].element.isFloating
            ? .exact : .accumulated(terms: inputs[1].shape.count)
    }
}

extension ScatterND: ModelOperator {
    package static let schema = OperatorSchema(
        "ScatterND", since: 11, "A tensor with slices put in at coordinates.",
        inputs: [
            .required("data", .tensors, "at least one axis"),
            .required("indices", .int64, "coordinates along the last axis; negative ones count from the end"),
            .required("updates", .tensors, "for each tuple of coordinates a slice to put in"),
        ],
        outputs: [.required("output", .tensors, "the shape of data")],
        attributes: [ScatterReduction.attribute])

    package static func build(_ call: OperatorCall, in graph: inout GraphBuilder) throws -> [GraphValue] {
        let scatter = ScatterND(reduction: try ScatterReduction(call))
        return [.tensor(try graph.addForAny(scatter, call.allInputs()))]
    }
}
