/// The elements shifted along axes; those that leave at one end come back at the other.
package enum Roll: ModelOperator {
    package static let schema = OperatorSchema(
        "Roll", domain: .heng, "The elements shifted along axes, around the end.",
        inputs: [.required("input", .tensors, "any shape")],
        outputs: [.required("output", .tensors, "the shape of the input")],
        attributes: [
            .ints("shifts", nil, "by how many places, for each axis; negative ones shift to the front")
                .required,
            .ints(
                "axes", nil, "the axes; without it the elements are shifted in row-major order, by one shift"),
        ])

    package static func build(_ call: OperatorCall, in graph: inout GraphBuilder) throws -> [GraphValue] {
        let data = try call.input(0)
        let shape = graph.type(of: data).shape
        let shifts = try call.ints("shifts")
        guard let given = try call.optionalInts("axes") else {
            try call.require(shifts.count == 1, "without axes there is one shift, not \(shifts)")
            let flat = try graph.reshaped(data, to: [shape.count])
            let rolled = try graph.rolled(flat, by: shifts[0], along: 0)
            return [.tensor(try graph.reshaped(rolled, to: shape.extents))]
        }
        let axes = try call.resolved(axes: given, rank: shape.rank)
        try call.require(
            axes.count == shifts.count, "there are \(shifts.count) shifts for \(axes.count) axes")
        var result = data
        for (axis, shift) in zip(axes, shifts) { result = try graph.rolled(result, by: shift, along: axis) }
        return [.tensor(result)]
    }
}

extension GraphBuilder {
    fileprivate mutating func rolled(_ value: ValueID, by shift: Int, along axis: Int) throws -> ValueID {
        let extent = type(of: value).shape[axis]
        guard extent > 0, shift % extent != 0 else { return value }
        let start = shift % extent > 0 ? extent - shift % extent : -(shift % extent)
        let last = try addForAny(Slice(starts: [start], ends: [extent], axes: [axis]), [value])
        let first = try addForAny(Slice(starts: [0], ends: [start], axes: [axis]), [value])
        return try addForAny(Concat(axis: axis), [last, first])
    }
}
