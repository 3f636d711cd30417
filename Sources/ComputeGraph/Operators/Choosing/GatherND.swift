/// Slices chosen by coordinates, which lie along the last axis of the indices.
///
/// A negative coordinate counts from the back. One outside the tensor gives NaN for floating types and zero for
/// others. The first `batchAxes` axes of both inputs are walked together.
package struct GatherND: MovementOperator {
    package static let name = "GatherND"
    package var batchAxes: Int

    package init(batchAxes: Int = 0) { self.batchAxes = batchAxes }

    package func outputTypes(of inputs: [TensorType]) throws(GraphError) -> [TensorType] {
        try requireInputs(inputs, 2)
        let count = try requireCoordinates(inputs[1], in: inputs[0], batchAxes: batchAxes)
        let slices = inputs[1].shape.extents.dropLast() + inputs[0].shape.extents[(batchAxes + count)...]
        return [TensorType(inputs[0].element, try Shape(checking: Array(slices)))]
    }

    package func reference(_ inputs: [HostTensor]) -> [HostTensor] {
        let type = knownOutputTypes(inputs)[0]
        guard type.shape.count > 0 else { return [HostTensor(zeros: type)] }
        let starts = inputs[1].sliceOffsets(in: inputs[0].type.shape, batchAxes: batchAxes)
        let grid = OffsetGrid([starts, OffsetGrid.steps(type.shape.count / starts.count, stride: 1)])
        return [inputs[0].moved(to: type, by: grid, filling: .missing(type.element))]
    }

    package static let hasGradient = true

    package func gradient(
        of node: Node, outputGradients: [ValueID?], in builder: inout GraphBuilder
    ) throws(GraphError) -> [ValueID?] {
        guard batchAxes == 0 else { throw .notDifferentiable(operator: GatherND.name) }
        guard let gradient = outputGradients[0] else { return [nil, nil] }
        let zeros = try builder.zeros(builder.type(of: node.inputs[0]))
        return [try builder.add(ScatterND(reduction: .add), [zeros, node.inputs[1], gradient]), nil]
    }
}

extension GatherND: ModelOperator {
    package static let schema = OperatorSchema(
        "GatherND", since: 11, "Slices chosen by coordinates.",
        inputs: [
            .required("data", .tensors, "at least one axis"),
            .required("indices", .int64, "coordinates along the last axis; negative ones count from the end"),
        ],
        outputs: [.required("output", .tensors, "for each tuple of coordinates a slice of data")],
        attributes: [.int("batch_dims", 0, "how many axes at the front both inputs share")])

    package func written(inputs: [TensorType], outputs: [TensorType]) -> WrittenCall? {
        WrittenCall(Self.schema, ["batch_dims": .int(batchAxes)], operands: inputs)
    }

    package static func build(_ call: OperatorCall, in graph: inout GraphBuilder) throws -> [GraphValue] {
        let gather = GatherND(batchAxes: try call.int("batch_dims"))
        return [.tensor(try graph.addForAny(gather, [call.input(0), call.input(1)]))]
    }
}
