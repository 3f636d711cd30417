/// The input repeated as a whole along its axes.
package struct Tile: GridOperator {
    package static let name = "Tile"
    /// How often the input stands along each axis.
    package var repeats: [Int]

    package init(_ repeats: [Int]) { self.repeats = repeats }

    package func outputTypes(of inputs: [TensorType]) throws(GraphError) -> [TensorType] {
        try requireInputs(inputs, 1)
        let shape = inputs[0].shape
        try require(
            repeats.count == shape.rank && repeats.allSatisfy { $0 >= 0 },
            "\(repeats) is not how often each axis of \(shape) is repeated")
        var extents: [Int] = []
        for (extent, count) in zip(shape.extents, repeats) {
            _ = try Shape(checking: [extent, count])
            extents.append(extent * count)
        }
        return [TensorType(inputs[0].element, try Shape(checking: extents))]
    }

    package func grid(_ inputs: [HostTensor], to result: Shape) -> OffsetGrid {
        let shape = inputs[0].type.shape
        let strides = shape.strides
        return OffsetGrid(
            result.extents.indices.map { axis in
                (0..<result[axis]).map { $0 % shape[axis] * strides[axis] }
            })
    }

    package static let hasGradient = true

    package func gradient(
        of node: Node, outputGradients: [ValueID?], in builder: inout GraphBuilder
    ) throws(GraphError) -> [ValueID?] {
        guard let gradient = outputGradients[0] else { return [nil] }
        let shape = builder.type(of: node.inputs[0]).shape
        let copies = zip(repeats, shape.extents).flatMap { [$0, $1] }
        let apart = try builder.add(Reshape(copies, allowsZero: true), [gradient])
        if shape.rank == 0 { return [apart] }
        let axes = shape.extents.indices.map { 2 * $0 }
        return [try builder.add(ReduceSum(axes: axes, keepDims: false), [apart])]
    }
}

extension Tile: ModelOperator {
    package static let schema = OperatorSchema(
        "Tile", "The input repeated as a whole along its axes.",
        inputs: [
            .required("input", .tensors, "any shape"),
            .required("repeats", .numbers, "one number for each axis; before version 6 only one"),
            .optional("axis", .numbers, "before version 6: the one axis that is repeated"),
        ],
        outputs: [.required("output", .tensors, "each extent times its number")])

    package func written(inputs: [TensorType], outputs: [TensorType]) -> WrittenCall? {
        WrittenCall(Self.schema, operands: inputs, [.integers(repeats)])
    }

    package static func build(_ call: OperatorCall, in graph: inout GraphBuilder) throws -> [GraphValue] {
        let data = try call.input(0)
        var repeats: [Int]
        if call.version < 6 {
            let rank = graph.type(of: data).shape.rank
            let axis = try call.resolved(axis: wholeNumber(2, of: call, in: &graph), rank: rank)
            repeats = [Int](repeating: 1, count: rank)
            repeats[axis] = try wholeNumber(1, of: call, in: &graph)
        } else {
            repeats = try graph.integers(call.input(1))
        }
        return [.tensor(try graph.addForAny(Tile(repeats), [data]))]
    }

    /// The first version took its numbers in the type of its input.
    private static func wholeNumber(
        _ index: Int, of call: OperatorCall, in graph: inout GraphBuilder
    ) throws -> Int {
        let tensor = try graph.tensor(call.input(index))
        guard tensor.type.shape.count == 1, let number = Int(exactly: tensor.doubles[0]) else {
            throw call.error("\(schema.inputName(index)) is one whole number, not \(tensor.type)")
        }
        return number
    }
}
