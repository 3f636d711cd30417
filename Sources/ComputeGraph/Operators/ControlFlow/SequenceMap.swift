/// A graph applied to each element of a sequence.
package enum SequenceMap: ModelOperator {
    package static let schema = OperatorSchema(
        "SequenceMap", since: 17, "A graph applied to each element of a sequence.",
        inputs: [
            .required("input_sequence", .sequence, "decides on the number of elements"),
            .variadic(
                "additional_inputs", [.tensors, .sequence],
                "a sequence of as many elements, or a tensor that every element meets"),
        ],
        outputs: [.variadic("out_sequence", .sequence, "one element for each of the input")],
        attributes: [.graph("body", "takes one element of each sequence, and the tensors").required])

    package static func build(_ call: OperatorCall, in graph: inout GraphBuilder) throws -> [GraphValue] {
        let sequence = try call.sequence(0)
        for index in call.inputs.indices {
            guard case .sequence(let elements, _) = try call.value(index) else { continue }
            try call.require(
                elements.count == sequence.elements.count,
                "its sequences have \(sequence.elements.count) and \(elements.count) elements")
        }
        let body = try call.subgraph("body", inputs: call.inputs.count, outputs: 1...Int.max)
        var results = [[GraphValue]](repeating: [], count: body.outputCount)
        for place in sequence.elements.indices {
            try call.checkIteration(place, in: &graph)
            let first = graph.graph.values.count
            let inputs = call.inputs.compactMap { input in
                if case .sequence(let elements, _) = input { elements[place] } else { input }
            }
            let outputs = try call.build(body, inputs: inputs, in: &graph)
            for (output, value) in outputs.enumerated() { results[output].append(value) }
            graph.forget(valuesSince: first, but: outputs)
        }
        return results.enumerated().map { output, values in
            let type = values.first.map(graph.valueType(of:)) ?? body.outputTypes[output] ?? sequence.type
            return .sequence(values, of: type.withoutShape)
        }
    }
}
