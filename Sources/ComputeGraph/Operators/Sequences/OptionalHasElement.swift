/// Whether an optional holds something.
package enum OptionalHasElement: ModelOperator {
    package static let schema = OperatorSchema(
        "OptionalHasElement", since: 15, "Whether an optional holds something.",
        inputs: [
            .optional(
                "input", [.optional, .tensors, .sequence],
                "a tensor or a sequence holds itself; an input that is left out holds nothing")
        ],
        outputs: [.required("output", .bool, "one truth value")])

    package static func build(_ call: OperatorCall, in graph: inout GraphBuilder) throws -> [GraphValue] {
        [.tensor(graph.constant(HostTensor(TensorType(.bool, []), doubles: [holds(call) ? 1 : 0])))]
    }

    private static func holds(_ call: OperatorCall) -> Bool {
        switch call.inputs.first.flatMap({ $0 }) {
        case nil, .optional(nil, _): false
        case .some: true
        }
    }
}
