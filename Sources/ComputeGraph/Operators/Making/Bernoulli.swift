internal import Essentials

/// Ones and zeros drawn at random: each is 1 with the probability that the input holds; the same for one seed.
package struct Bernoulli: Operator {
    package static let name = "Bernoulli"
    package var element: ElementType
    package var seed: UInt64

    package init(_ element: ElementType, seed: UInt64) {
        self.element = element
        self.seed = seed
    }

    package func outputTypes(of inputs: [TensorType]) throws(GraphError) -> [TensorType] {
        try requireInputs(inputs, 1)
        try requireCommon(.floats, inputs)
        try require(
            element.isFloating || element.wholeRange != nil, "\(element) does not hold zeros and ones")
        return [TensorType(element, inputs[0].shape)]
    }

    package func reference(_ inputs: [HostTensor]) -> [HostTensor] {
        var generator = SeededGenerator(seed: seed)
        let drawn = inputs[0].doubles.map { generator.uniform() < $0 ? 1.0 : 0.0 }
        return [HostTensor(TensorType(element, inputs[0].type.shape), doubles: drawn)]
    }

    package func exactness(for inputs: [TensorType]) -> Exactness { .exact }
}

extension Bernoulli: ModelOperator {
    package static let schema = OperatorSchema(
        "Bernoulli", since: 15, "Ones and zeros drawn at random.",
        inputs: [.required("input", .floats, "for each element the probability of 1")],
        outputs: [.required("output", [.numbers, .bool], "the shape of the input")],
        attributes: [
            .int("dtype", nil, "the number of the element type; without it that of the input"),
            .float("seed", nil, "what the numbers follow from"),
        ])

    package func written(inputs: [TensorType], outputs: [TensorType]) -> WrittenCall? {
        var attributes = OperatorCall.attributes(seed: seed)
        attributes["dtype"] = .int(Int(element.rawValue))
        return WrittenCall(Self.schema, attributes, operands: inputs)
    }

    package static func build(_ call: OperatorCall, in graph: inout GraphBuilder) throws -> [GraphValue] {
        let input = try call.input(0)
        let element = try call.optionalElementType("dtype") ?? graph.type(of: input).element
        return [.tensor(try graph.addForAny(Bernoulli(element, seed: call.seed()), [input]))]
    }
}
