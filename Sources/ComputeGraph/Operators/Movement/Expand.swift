/// The input repeated to a larger shape by NumPy's broadcasting rule.
///
/// ONNX gives the shape as an input; here it is an attribute, and it must be the full shape of the result.
package struct Expand: GridOperator {
    package static let name = "Expand"
    package var shape: Shape

    package init(_ shape: Shape) { self.shape = shape }

    package func outputTypes(of inputs: [TensorType]) throws(GraphError) -> [TensorType] {
        try requireInputs(inputs, 1)
        let shape = try Shape(checking: shape.extents)
        try require(
            inputs[0].shape.broadcast(with: shape) == shape,
            "\(inputs[0].shape) does not broadcast to \(shape)")
        return [TensorType(inputs[0].element, shape)]
    }

    package func grid(_ inputs: [HostTensor], to result: Shape) -> OffsetGrid {
        OffsetGrid(result, strides: inputs[0].type.shape.strides(broadcastTo: result))
    }

    package static let hasGradient = true

    package func gradient(
        of node: Node, outputGradients: [ValueID?], in builder: inout GraphBuilder
    ) throws(GraphError) -> [ValueID?] {
        guard let gradient = outputGradients[0] else { return [nil] }
        return [try builder.reduced(gradient, toShapeOf: node.inputs[0])]
    }
}

extension Expand: ModelOperator {
    package static let schema = OperatorSchema(
        "Expand", since: 8, "The input repeated along axes of extent 1, and along new axes at the front.",
        inputs: [
            .required("input", .tensors, "any shape"),
            .required("shape", .int64, "one axis: a shape that broadcasts with that of input"),
        ],
        outputs: [.required("output", .tensors, "the shape that both take together")])

    package func written(inputs: [TensorType], outputs: [TensorType]) -> WrittenCall? {
        WrittenCall(Self.schema, operands: inputs, [.integers(shape.extents)])
    }

    package static func build(_ call: OperatorCall, in graph: inout GraphBuilder) throws -> [GraphValue] {
        let data = try call.input(0)
        let wanted = try Shape(checking: graph.integers(call.input(1)))
        let given = graph.type(of: data).shape
        guard let shape = given.broadcast(with: wanted) else {
            throw call.error("\(given) and \(wanted) do not broadcast")
        }
        return [.tensor(try graph.addForAny(Expand(shape), [data]))]
    }
}
