/// 1 where an element is above the threshold, else 0; also for NaN.
package struct Binarizer: Operator {
    package static let name = "Binarizer"
    package var threshold: Double

    package init(threshold: Double) { self.threshold = threshold }

    package func outputTypes(of inputs: [TensorType]) throws(GraphError) -> [TensorType] {
        try requireInputs(inputs, 1)
        try requireNumbers(inputs[0])
        return inputs
    }

    package func reference(_ inputs: [HostTensor]) -> [HostTensor] {
        [HostTensor(inputs[0].type, doubles: inputs[0].doubles.map { $0 > threshold ? 1 : 0 })]
    }

    package func exactness(for inputs: [TensorType]) -> Exactness { .exact }
}

extension Binarizer: ModelOperator {
    package static let schema = OperatorSchema(
        "Binarizer", domain: .machineLearning, "1 where an element is above the threshold, else 0.",
        inputs: [.required("X", .features, "any shape")],
        outputs: [.required("Y", .features, "the shape and type of X")],
        attributes: [.float("threshold", 0, "what an element must exceed")])

    package static func build(_ call: OperatorCall, in graph: inout GraphBuilder) throws -> [GraphValue] {
        [.tensor(try graph.add(Binarizer(threshold: call.float("threshold")), [call.input(0)]))]
    }
}
