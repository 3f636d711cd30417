/// A tensor cut along one axis into the elements of a sequence.
package enum SplitToSequence: ModelOperator {
    package static let schema = OperatorSchema(
        "SplitToSequence", since: 11, "A tensor cut along one axis into the elements of a sequence.",
        inputs: [
            .required("input", .tensors, "at least one axis"),
            .optional(
                "split", .indices,
                "the extents of the parts, or one number for parts of that extent; 1 if not given"),
        ],
        outputs: [.required("output_sequence", .sequence, "the parts in their order")],
        attributes: [
            .int("axis", 0, "the axis that is cut"),
            .int("keepdims", 1, "without split: whether the parts keep the axis, with the extent 1"),
        ])

    package static func build(_ call: OperatorCall, in graph: inout GraphBuilder) throws -> [GraphValue] {
        let input = try call.input(0)
        let type = graph.type(of: input)
        let axis = try call.resolved(axis: call.int("axis"), rank: type.shape.rank)
        let split = try call.optional(1)
        let extents = try partExtents(split, of: type.shape[axis], call, in: &graph)
        let keepsAxis = try split != nil || call.flag("keepdims")
        var parts: [GraphValue] = []
        var start = 0
        for extent in extents {
            if keepsAxis {
                let slice = Slice(starts: [start], ends: [start + extent], axes: [axis])
                parts.append(.tensor(try graph.addForAny(slice, [input])))
            } else {
                parts.append(.tensor(try graph.part(of: input, at: start, axis: axis)))
            }
            start += extent
        }
        return [.sequence(parts, of: .tensor(type.element, shape: nil))]
    }

    private static func partExtents(
        _ split: ValueID?, of whole: Int, _ call: OperatorCall, in graph: inout GraphBuilder
    ) throws -> [Int] {
        let isScalar = split.map { graph.type(of: $0).shape.rank == 0 } ?? true
        let given = try split.map { try graph.integers($0) } ?? [1]
        guard isScalar else {
            var rest = whole
            for extent in given {
                try call.require(
                    extent >= 0 && extent <= rest, "its \(given.count) parts do not make up \(whole)")
                rest -= extent
            }
            try call.require(rest == 0, "its \(given.count) parts leave \(rest) of \(whole)")
            return given
        }
        let extent = given[0]
        try call.require(extent > 0, "a part is at least 1 long, not \(extent)")
        let count = whole / extent + (whole % extent == 0 ? 0 : 1)
        try call.require(
            count <= maximalSequenceLength,
            "a sequence has at most \(maximalSequenceLength) elements, not \(count)")
        return (0..<count).map { min(extent, whole - $0 * extent) }
    }
}
