package import Essentials

/// An operator whose result is drawn at random, the same for one seed, and has no inputs.
package protocol RandomOperator: Operator {
    var type: TensorType { get }
    var seed: UInt64 { get }
    func draw(_ generator: inout SeededGenerator) -> Double
}

extension RandomOperator {
    package func outputTypes(of inputs: [TensorType]) throws(GraphError) -> [TensorType] {
        try requireInputs(inputs, 0)
        try require(TypeSet.floats.contains(type.element), "numbers of \(type.element) are not drawn")
        return [type]
    }

    package func reference(_ inputs: [HostTensor]) -> [HostTensor] {
        var generator = SeededGenerator(seed: seed)
        return [HostTensor(type, doubles: (0..<type.shape.count).map { _ in draw(&generator) })]
    }

    package func exactness(for inputs: [TensorType]) -> Exactness { .exact }
}

extension OperatorCall {
    /// The type of a tensor that is drawn: a shape in an attribute, or that of the input.
    func drawnType(isLikeInput: Bool, in graph: GraphBuilder) throws -> TensorType {
        if !isLikeInput {
            return TensorType(
                try optionalElementType("dtype") ?? .float32, try Shape(checking: ints("shape")))
        }
        let given = graph.type(of: try input(0))
        return TensorType(try optionalElementType("dtype") ?? given.element, given.shape)
    }
}

extension OperatorSchema {
    /// The schema of an operator that draws numbers, with a shape or like an input.
    static func random(
        _ name: String, _ summary: String, isLikeInput: Bool, _ parameters: [AttributeParameter]
    ) -> OperatorSchema {
        let shape: [AttributeParameter] = isLikeInput ? [] : [.ints("shape", nil, "the extents").required]
        let type =
            isLikeInput
            ? AttributeParameter.int("dtype", nil, "the number of the element type; else that of the input")
            : .int("dtype", 1, "the number of the element type")
        return OperatorSchema(
            name, summary,
            inputs: isLikeInput ? [.required("input", .tensors, "only its type is used")] : [],
            outputs: [.required("output", .floats, isLikeInput ? "the shape of the input" : "the extents")],
            attributes: shape + [type] + parameters + [.float("seed", nil, "what the numbers follow from")])
    }
}
