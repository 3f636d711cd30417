/// A sequence of the inputs.
package enum SequenceConstruct: ModelOperator {
    package static let schema = OperatorSchema(
        "SequenceConstruct", since: 11, "A sequence of the inputs.",
        inputs: [.variadic("inputs", .tensors, "of one element type; at least one")],
        outputs: [.required("output_sequence", .sequence, "the inputs in their order")])

    package static func build(_ call: OperatorCall, in graph: inout GraphBuilder) throws -> [GraphValue] {
        let ids = try call.allInputs()
        try call.require(!ids.isEmpty, "takes at least one input")
        let element = graph.type(of: ids[0]).element
        for id in ids {
            try call.require(
                graph.type(of: id).element == element,
                "its inputs share one element type; here are both \(element) and \(graph.type(of: id))")
        }
        return [.sequence(ids.map(GraphValue.tensor), of: .tensor(element, shape: nil))]
    }
}
