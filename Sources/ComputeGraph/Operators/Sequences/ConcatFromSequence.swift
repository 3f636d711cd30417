/// The tensors of a sequence joined along an axis, which is a new one or one that they have.
package enum ConcatFromSequence: ModelOperator {
    package static let schema = OperatorSchema(
        "ConcatFromSequence", since: 11, "The tensors of a sequence joined along an axis.",
        inputs: [.required("input_sequence", .sequence, "of tensors that differ in no other extent")],
        outputs: [.required("concat_result", .tensors, "the joined tensor")],
        attributes: [
            .int("axis", nil, "counted in the result").required,
            .int("new_axis", 0, "whether the axis is a new one"),
        ])

    package static func build(_ call: OperatorCall, in graph: inout GraphBuilder) throws -> [GraphValue] {
        var ids: [ValueID] = []
        for element in try call.sequence(0).elements {
            ids.append(try call.tensor(element, "an element of the sequence"))
        }
        try call.require(!ids.isEmpty, "the sequence has no elements")
        let rank = graph.type(of: ids[0]).shape.rank
        guard try call.flag("new_axis") else {
            let axis = try call.resolved(axis: call.int("axis"), rank: rank)
            return [.tensor(try graph.addForAny(Concat(axis: axis), ids))]
        }
        let axis = try call.resolved(axis: call.int("axis"), rank: rank + 1)
        return [.tensor(try graph.stacked(ids, axis: axis))]
    }
}
