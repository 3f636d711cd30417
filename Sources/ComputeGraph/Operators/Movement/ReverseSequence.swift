/// The first elements along the axis of time in the opposite order, for each sequence of a batch as many as it has.
///
/// The second input holds the lengths of the sequences. One that is longer than the axis counts as the whole axis.
package struct ReverseSequence: MovementOperator {
    package static let name = "ReverseSequence"
    package var batchAxis: Int
    package var timeAxis: Int

    package init(batchAxis: Int = 1, timeAxis: Int = 0) {
        self.batchAxis = batchAxis
        self.timeAxis = timeAxis
    }

    package func outputTypes(of inputs: [TensorType]) throws(GraphError) -> [TensorType] {
        try requireInputs(inputs, 2)
        try requireIndices(inputs[1])
        let shape = inputs[0].shape
        let batch = try resolvedAxis(batchAxis, rank: shape.rank)
        let time = try resolvedAxis(timeAxis, rank: shape.rank)
        try require(batch != time, "the axes of the batch and of time are both \(batch)")
        try requireShape(inputs[1], [shape[batch]], "the tensor of lengths")
        return [inputs[0]]
    }

    package func reference(_ inputs: [HostTensor]) -> [HostTensor] {
        let shape = inputs[0].type.shape
        let batch = AxisView(shape, axis: batchAxis)
        let time = AxisView(shape, axis: timeAxis)
        let lengths = inputs[1].indices.map { min($0, time.length) }
        let sources = (0..<shape.count).map { index in
            let place = index / time.inner % time.length
            let length = lengths[index / batch.inner % batch.length]
            return place < length ? index + (length - 1 - 2 * place) * time.inner : index
        }
        return [inputs[0].moved(to: inputs[0].type, by: OffsetGrid([sources]))]
    }

    package static let hasGradient = true

    package func gradient(
        of node: Node, outputGradients: [ValueID?], in builder: inout GraphBuilder
    ) throws(GraphError) -> [ValueID?] {
        guard let gradient = outputGradients[0] else { return [nil, nil] }
        return [try builder.add(self, [gradient, node.inputs[1]]), nil]
    }
}

extension ReverseSequence: ModelOperator {
    package static let schema = OperatorSchema(
        "ReverseSequence", since: 10, "The first elements of each sequence of a batch in the opposite order.",
        inputs: [
            .required("input", .tensors, "two axes or more"),
            .required("sequence_lens", .int64, "for each sequence, how many elements are turned around"),
        ],
        outputs: [.required("Y", .tensors, "the shape of the input")],
        attributes: [
            .int("batch_axis", 1, "the axis of the sequences"), .int("time_axis", 0, "the axis along them"),
        ])

    package func written(inputs: [TensorType], outputs: [TensorType]) -> WrittenCall? {
        WrittenCall(
            Self.schema, ["batch_axis": .int(batchAxis), "time_axis": .int(timeAxis)], operands: inputs)
    }

    package static func build(_ call: OperatorCall, in graph: inout GraphBuilder) throws -> [GraphValue] {
        let reverse = try ReverseSequence(batchAxis: call.int("batch_axis"), timeAxis: call.int("time_axis"))
        return [.tensor(try graph.addForAny(reverse, [call.input(0), call.input(1)]))]
    }
}
