/// The upper or the lower triangle of each matrix along the two last axes; the other elements become zero.
package struct Trilu: MovementOperator {
    package static let name = "Trilu"
    package var isUpper: Bool
    /// By how many columns the diagonal, which is kept, lies right of the main one.
    package var offset: Int

    package init(isUpper: Bool = true, offset: Int = 0) {
        self.isUpper = isUpper
        self.offset = offset
    }

    package func outputTypes(of inputs: [TensorType]) throws(GraphError) -> [TensorType] {
        try requireInputs(inputs, 1)
        try require(
            inputs[0].shape.rank >= 2, "matrices have two axes or more, not the shape \(inputs[0].shape)")
        return inputs
    }

    package func reference(_ inputs: [HostTensor]) -> [HostTensor] {
        let shape = inputs[0].type.shape
        let (rows, columns) = (shape[shape.rank - 2], shape[shape.rank - 1])
        guard shape.count > 0 else { return inputs }
        let kept = (0..<rows * columns).map { index in
            let distance = index % columns - index / columns
            return (isUpper ? distance >= offset : distance <= offset) ? index : -1
        }
        let matrices = OffsetGrid.steps(shape.count / (rows * columns), stride: rows * columns)
        return [inputs[0].moved(to: inputs[0].type, by: OffsetGrid([matrices, kept]))]
    }

    package static let hasGradient = true

    package func gradient(
        of node: Node, outputGradients: [ValueID?], in builder: inout GraphBuilder
    ) throws(GraphError) -> [ValueID?] {
        guard let gradient = outputGradients[0] else { return [nil] }
        return [try builder.add(self, [gradient])]
    }
}

extension Trilu: ModelOperator {
    package static let schema = OperatorSchema(
        "Trilu", since: 14, "The upper or the lower triangle of matrices, and zeros elsewhere.",
        inputs: [
            .required("input", .tensors, "matrices along the two last axes"),
            .optional(
                "k", .int64, "by how many columns the diagonal lies right of the main one; without it 0"),
        ],
        outputs: [.required("output", .tensors, "the shape of the input")],
        attributes: [.int("upper", 1, "whether the upper triangle is kept, or the lower one")])

    package func written(inputs: [TensorType], outputs: [TensorType]) -> WrittenCall? {
        WrittenCall(Self.schema, ["upper": .flag(isUpper)], operands: inputs, [.integer(offset)])
    }

    package static func build(_ call: OperatorCall, in graph: inout GraphBuilder) throws -> [GraphValue] {
        let offset = try call.optional(1) == nil ? 0 : call.integer(1, in: &graph)
        let triangle = Trilu(isUpper: try call.flag("upper"), offset: offset)
        return [.tensor(try graph.addForAny(triangle, [call.input(0)]))]
    }
}
