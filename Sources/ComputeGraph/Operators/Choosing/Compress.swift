/// The slices along an axis for which a condition holds.
package enum Compress: ModelOperator {
    package static let schema = OperatorSchema(
        "Compress", since: 9, "The slices along an axis for which a condition holds.",
        inputs: [
            .required("input", .tensors, "at least one axis"),
            .required(
                "condition", .bool, "one axis, which may be shorter; what it does not name is left out"),
        ],
        outputs: [.required("output", .tensors, "what is left")],
        attributes: [.int("axis", nil, "the axis; without it the elements are chosen in row-major order")])

    package static func build(_ call: OperatorCall, in graph: inout GraphBuilder) throws -> [GraphValue] {
        var data = try call.input(0)
        let axis = try call.optionalInt("axis")
        if axis == nil { data = try graph.reshaped(data, to: [graph.type(of: data).shape.count]) }
        let shape = graph.type(of: data).shape
        let place = try call.resolved(axis: axis ?? 0, rank: shape.rank)
        let condition = try graph.integers(call.input(1))
        let chosen = condition.indices.filter { condition[$0] != 0 }
        try call.require(
            (chosen.last ?? -1) < shape[place],
            "the condition names an element beyond axis \(place) of \(shape)")
        let indices = graph.constant(HostTensor(.int64(chosen.count), integers: chosen.map(Int64.init)))
        return [.tensor(try graph.addForAny(Gather(axis: place), [data, indices]))]
    }
}
