/// The input held between a lower and an upper bound, each of which may be left out; a NaN stays a NaN.
///
/// Where the lower bound is higher than the upper one, all become the upper one. The inputs are the tensor
/// and
/// those bounds that there are.
package struct Clip: Operator {
    package static let name = "Clip"
    package var hasMinimum: Bool
    package var hasMaximum: Bool

    package init(hasMinimum: Bool = true, hasMaximum: Bool = true) {
        self.hasMinimum = hasMinimum
        self.hasMaximum = hasMaximum
    }

    package func outputTypes(of inputs: [TensorType]) throws(GraphError) -> [TensorType] {
        try requireInputs(inputs, 1 + (hasMinimum ? 1 : 0) + (hasMaximum ? 1 : 0))
        for input in inputs {
            try require(TypeSet.numbers.contains(input.element), "cannot compute on \(input)")
            try require(input.element == inputs[0].element, "a bound of \(inputs[0]) cannot be \(input)")
        }
        for bound in inputs.dropFirst() { try requireScalar(bound, "a bound") }
        return [inputs[0]]
    }

    package func reference(_ inputs: [HostTensor]) -> [HostTensor] {
        let element = inputs[0].type.element
        let (low, high) = (hasMinimum ? inputs[1] : nil, hasMaximum ? inputs[inputs.count - 1] : nil)
        if element.isFloating {
            let bounds = (low?.doubles[0] ?? -.infinity, high?.doubles[0] ?? .infinity)
            let values = inputs[0].doubles.map { $0.held(between: bounds.0, and: bounds.1) }
            return [HostTensor(inputs[0].type, doubles: values)]
        }
        let bounds = (low?.wholes[0] ?? .min, high?.wholes[0] ?? .max)
        let values = inputs[0].wholes.map { $0.held(between: bounds.0, and: bounds.1) }
        return [HostTensor(inputs[0].type, wrapping: values)]
    }

    package func exactness(for inputs: [TensorType]) -> Exactness { .exact }

    package static let hasGradient = true

    /// The gradient by a bound takes it that the bounds are in order.
    package func gradient(
        of node: Node, outputGradients: [ValueID?], in builder: inout GraphBuilder
    ) throws(GraphError) -> [ValueID?] {
        guard let gradient = outputGradients[0] else { return node.inputs.map { _ in nil } }
        let x = node.inputs[0]
        var byInput = gradient
        var byBounds: [ValueID?] = []
        for (place, bound) in node.inputs.enumerated().dropFirst() {
            let isLow = hasMinimum && place == 1
            let isBeyond =
                isLow ? try builder.add(Less(), [x, bound]) : try builder.add(Greater(), [x, bound])
            byInput = try builder.kept(byInput, where: try builder.add(Not(), [isBeyond]))
            let part = try builder.kept(gradient, where: isBeyond)
            let sum = try builder.add(ReduceSum(keepDims: false), [part])
            byBounds.append(try builder.reshaped(sum, toShapeOf: bound))
        }
        return [byInput] + byBounds
    }
}

extension Clip: ModelOperator {
    package static let schema = OperatorSchema(
        "Clip", "The input held between a lower and an upper bound.",
        inputs: [
            .required("input", .numbers, "any shape"),
            .optional("min", .numbers, "the lower bound, one number; from version 11 on"),
            .optional("max", .numbers, "the upper bound, one number; from version 11 on"),
        ],
        outputs: [.required("output", .numbers, "the shape of the input")],
        attributes: [
            .float("min", nil, "before version 11: the lower bound"),
            .float("max", nil, "before version 11: the upper bound"),
        ])

    package func written(inputs: [TensorType], outputs: [TensorType]) -> WrittenCall? {
        var operands = [WrittenCall.Input.operand(0), hasMinimum ? .operand(1) : .omitted]
        if hasMaximum { operands.append(.operand(inputs.count - 1)) }
        return WrittenCall(Self.schema, inputs: operands)
    }

    package static func build(_ call: OperatorCall, in graph: inout GraphBuilder) throws -> [GraphValue] {
        let x = try call.input(0)
        let element = graph.type(of: x).element
        var bounds: [ValueID?] = []
        for (place, name) in ["min", "max"].enumerated() {
            if call.version >= 11 {
                bounds.append(try call.optional(place + 1))
            } else {
                bounds.append(try call.optionalFloat(name).map { graph.constant(.scalar($0, element)) })
            }
        }
        let clip = Clip(hasMinimum: bounds[0] != nil, hasMaximum: bounds[1] != nil)
        if !clip.hasMinimum && !clip.hasMaximum { return [.tensor(x)] }
        return [.tensor(try graph.add(clip, [x] + bounds.compactMap(\.self)))]
    }
}
