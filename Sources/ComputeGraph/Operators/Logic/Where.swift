/// The elements of the second input where the first holds, else those of the third; all three broadcast.
package struct Where: MovementOperator {
    package static let name = "Where"

    package init() {}

    package func outputTypes(of inputs: [TensorType]) throws(GraphError) -> [TensorType] {
        try requireInputs(inputs, 3)
        try require(inputs[0].element == .bool, "the condition is bool, not \(inputs[0])")
        try require(
            inputs[1].element == inputs[2].element,
            "both choices have one element type; here are \(inputs[1].element) and \(inputs[2].element)")
        return [TensorType(inputs[1].element, try requireBroadcast(inputs))]
    }

    package func reference(_ inputs: [HostTensor]) -> [HostTensor] {
        let type = knownOutputTypes(inputs)[0]
        let holds = inputs[0].elements(UInt8.self).broadcast(from: inputs[0].type.shape, to: type.shape)
        return switch type.element.size {
        case 0: [HostTensor(type, strings: Self.chosen(inputs, type.shape, holds, \.strings))]
        case 16: [Self.chosen(UInt128.self, inputs, type, holds)]
        case 8: [Self.chosen(UInt64.self, inputs, type, holds)]
        case 4: [Self.chosen(UInt32.self, inputs, type, holds)]
        case 2: [Self.chosen(UInt16.self, inputs, type, holds)]
        default: [Self.chosen(UInt8.self, inputs, type, holds)]
        }
    }

    private static func chosen<Element: BitwiseCopyable>(
        _ element: Element.Type, _ inputs: [HostTensor], _ type: TensorType, _ holds: [UInt8]
    ) -> HostTensor {
        let values = chosen(inputs, type.shape, holds) { $0.elements(element) }
        var result = HostTensor(zeros: type)
        result.withMutableElements(element) { span in
            for index in values.indices { span[index] = values[index] }
        }
        return result
    }

    private static func chosen<Element>(
        _ inputs: [HostTensor], _ shape: Shape, _ holds: [UInt8], _ elements: (HostTensor) -> [Element]
    ) -> [Element] {
        var result = elements(inputs[2]).broadcast(from: inputs[2].type.shape, to: shape)
        let others = elements(inputs[1]).broadcast(from: inputs[1].type.shape, to: shape)
        for index in holds.indices where holds[index] != 0 { result[index] = others[index] }
        return result
    }

    package static let hasGradient = true

    package func gradient(
        of node: Node, outputGradients: [ValueID?], in builder: inout GraphBuilder
    ) throws(GraphError) -> [ValueID?] {
        guard let gradient = outputGradients[0] else { return [nil, nil, nil] }
        let first = try builder.kept(gradient, where: node.inputs[0])
        let second = try builder.add(Where(), [node.inputs[0], builder.number(0, like: gradient), gradient])
        return [
            nil,
            try builder.reduced(first, toShapeOf: node.inputs[1]),
            try builder.reduced(second, toShapeOf: node.inputs[2]),
        ]
    }
}

extension Where: ModelOperator {
    package static let schema = OperatorSchema(
        "Where", since: 9, "The elements of X where the condition holds, else those of Y.",
        inputs: [
            .required("condition", .bool, "any shape"),
            .required("X", .tensors, "broadcasts with the others"),
            .required("Y", .tensors, "broadcasts with the others"),
        ],
        outputs: [.required("output", .tensors, "the shape that all inputs take together")])

    package static func build(_ call: OperatorCall, in graph: inout GraphBuilder) throws -> [GraphValue] {
        var inputs = try call.allInputs()
        if graph.type(of: inputs[1]).element == .string {
            // No device has strings, so the choice is made now.
            inputs[0] = graph.constant(try graph.tensor(inputs[0]))
        }
        return [.tensor(try graph.add(Where(), inputs))]
    }
}
