/// The same elements in the same order under another shape.
///
/// As in ONNX, 0 keeps the extent of that axis and a single -1 stands for what is left; the shape is an
/// attribute, so that shapes are known when a graph is built.
package struct Reshape: MovementOperator {
    package static let name = "Reshape"
    package var shape: [Int]
    /// Whether an extent 0 means 0, and does not keep that of its axis.
    package var allowsZero: Bool

    package init(_ shape: [Int], allowsZero: Bool = false) {
        self.shape = shape
        self.allowsZero = allowsZero
    }

    package func outputTypes(of inputs: [TensorType]) throws(GraphError) -> [TensorType] {
        try requireInputs(inputs, 1)
        let given = inputs[0].shape
        var extents = shape
        for (axis, extent) in shape.enumerated() where extent == 0 && !allowsZero {
            try require(
                axis < given.rank, "axis \(axis) of \(shape) keeps an extent that \(given) does not have")
            extents[axis] = given[axis]
        }
        try require(
            extents.allSatisfy { $0 >= -1 } && extents.count { $0 == -1 } <= 1,
            "a shape holds extents, and at most one -1 for the rest; \(shape) does not")
        if let free = extents.firstIndex(of: -1) {
            let others = try Shape(checking: extents.filter { $0 != -1 }).count
            try require(
                others > 0 && given.count % others == 0,
                "the \(given.count) elements of \(given) do not divide into \(shape)")
            extents[free] = given.count / others
        }
        let result = try Shape(checking: extents)
        try require(
            result.count == given.count,
            "\(given) has \(given.count) elements, and \(result) would have \(result.count)")
        return [TensorType(inputs[0].element, result)]
    }

    package func reference(_ inputs: [HostTensor]) -> [HostTensor] {
        [inputs[0].reshaped(to: knownOutputTypes(inputs)[0].shape)]
    }

    package static let hasGradient = true

    package func gradient(
        of node: Node, outputGradients: [ValueID?], in builder: inout GraphBuilder
    ) throws(GraphError) -> [ValueID?] {
        guard let gradient = outputGradients[0] else { return [nil] }
        return [try builder.reshaped(gradient, toShapeOf: node.inputs[0])]
    }
}

extension Reshape: ModelOperator {
    package static let schema = OperatorSchema(
        "Reshape", "The same elements in the same order under another shape.",
        inputs: [
            .required("data", .tensors, "any shape"),
            .optional("shape", .int64, "the extents; 0 keeps one, a single -1 is what is left"),
        ],
        outputs: [.required("reshaped", .tensors, "the elements of data")],
        attributes: [
            .int("allowzero", 0, "whether an extent 0 means 0"),
            .ints("shape", nil, "before version 5: the shape"),
        ])

    package func written(inputs: [TensorType], outputs: [TensorType]) -> WrittenCall? {
        WrittenCall(
            Self.schema, since: 14, attributes: ["allowzero": .int(1)],
            inputs: [.operand(0), .integers(outputs[0].shape.extents)])
    }

    package static func build(_ call: OperatorCall, in graph: inout GraphBuilder) throws -> [GraphValue] {
        let data = try call.input(0)
        let wanted = call.version < 5 ? try call.ints("shape") : try graph.integers(call.input(1))
        let allowsZero = try call.flag("allowzero")
        return [.tensor(try graph.addForAny(Reshape(wanted, allowsZero: allowsZero), [data]))]
    }
}
