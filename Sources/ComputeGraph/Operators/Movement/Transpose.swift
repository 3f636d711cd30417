/// The axes in another order: axis `i` of the result is axis `permutation[i]` of the input (ONNX's `perm`).
package struct Transpose: GridOperator {
    package static let name = "Transpose"
    package var permutation: [Int]

    package init(_ permutation: [Int]) { self.permutation = permutation }

    package func outputTypes(of inputs: [TensorType]) throws(GraphError) -> [TensorType] {
        try requireInputs(inputs, 1)
        let shape = inputs[0].shape
        try require(
            permutation.sorted() == Array(0..<shape.rank),
            "\(permutation) does not name each axis of \(shape) once")
        return [TensorType(inputs[0].element, Shape(permutation.map { shape[$0] }))]
    }

    package func grid(_ inputs: [HostTensor], to result: Shape) -> OffsetGrid {
        let strides = inputs[0].type.shape.strides
        return OffsetGrid(result, strides: permutation.map { strides[$0] })
    }

    package static let hasGradient = true

    package func gradient(
        of node: Node, outputGradients: [ValueID?], in builder: inout GraphBuilder
    ) throws(GraphError) -> [ValueID?] {
        guard let gradient = outputGradients[0] else { return [nil] }
        var inverse = permutation
        for (axis, source) in permutation.enumerated() { inverse[source] = axis }
        return [try builder.add(Transpose(inverse), [gradient])]
    }
}

extension Transpose: ModelOperator {
    package static let schema = OperatorSchema(
        "Transpose", "The axes in another order.",
        inputs: [.required("data", .tensors, "any shape")],
        outputs: [.required("transposed", .tensors, "the axes of data, moved")],
        attributes: [
            .ints(
                "perm", nil, "for each axis of the result the axis of data; without it the order turns around"
            )
        ])

    package func written(inputs: [TensorType], outputs: [TensorType]) -> WrittenCall? {
        WrittenCall(Self.schema, ["perm": .ints(permutation)], operands: inputs)
    }

    package static func build(_ call: OperatorCall, in graph: inout GraphBuilder) throws -> [GraphValue] {
        let data = try call.input(0)
        let axes = graph.type(of: data).shape.extents.indices
        let permutation = try call.optionalInts("perm") ?? axes.reversed()
        return [.tensor(try graph.addForAny(Transpose(permutation), [data]))]
    }
}
