/// Tensors of one shape joined along a new axis.
package enum Stack: ModelOperator {
    package static let schema = OperatorSchema(
        "Stack", domain: .heng, "Tensors of one shape joined along a new axis.",
        inputs: [.variadic("inputs", .tensors, "one or more of one shape")],
        outputs: [.required("output", .tensors, "the shape of the inputs with one more axis")],
        attributes: [
            .int("axis", 0, "the place of the new axis in the result; a negative one counts from the last")
        ])

    package static func build(_ call: OperatorCall, in graph: inout GraphBuilder) throws -> [GraphValue] {
        let inputs = try call.allInputs()
        guard let first = inputs.first else { throw call.error("takes at least one input") }
        let shape = graph.type(of: first).shape
        let axis = try call.resolved(axis: call.int("axis"), rank: shape.rank + 1)
        var extents = shape.extents
        extents.insert(1, at: axis)
        var parts: [ValueID] = []
        for input in inputs {
            try call.require(
                graph.type(of: input) == graph.type(of: first),
                "\(graph.type(of: first)) and \(graph.type(of: input)) differ")
            parts.append(try graph.reshaped(input, to: extents))
        }
        return [.tensor(try graph.addForAny(Concat(axis: axis), parts))]
    }
}
