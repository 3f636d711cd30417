/// A tensor cut along one axis into several.
package enum Split: ModelOperator {
    package static let schema = OperatorSchema(
        "Split", "The input cut along one axis.",
        inputs: [
            .required("input", .tensors, "any shape"),
            .optional("split", [.int64, .floats], "in version 1 and from 13: the extents of the outputs"),
        ],
        outputs: [.variadic("outputs", .tensors, "the parts in their order")],
        attributes: [
            .int("axis", 0, "the axis; a negative one counts from the last"),
            .ints("split", nil, "before version 13: the extents of the outputs"),
            .int(
                "num_outputs", nil, "from version 18: how many equal parts, of which the last may be smaller"),
        ])

    package static func build(_ call: OperatorCall, in graph: inout GraphBuilder) throws -> [GraphValue] {
        let data = try call.input(0)
        let shape = graph.type(of: data).shape
        let axis = try call.resolved(axis: call.int("axis"), rank: shape.rank)
        let extents = try partExtents(call, of: shape[axis], in: &graph)
        var outputs: [GraphValue] = []
        var start = 0
        for extent in extents {
            let slice = Slice(starts: [start], ends: [start + extent], axes: [axis])
            outputs.append(.tensor(try graph.addForAny(slice, [data])))
            start += extent
        }
        return outputs
    }

    /// The extents of the parts that the model uses.
    private static func partExtents(
        _ call: OperatorCall, of whole: Int, in graph: inout GraphBuilder
    ) throws -> [Int] {
        let wanted = call.wantedOutputs.count
        if let given = try givenExtents(call, in: &graph) {
            let total = given.reduce(into: 0 as Int?) { sum, extent in
                guard let known = sum, (0...whole - known).contains(extent) else { return sum = nil }
                sum = known + extent
            }
            try call.require(
                total == whole && given.count >= wanted,
                "the parts \(given) are not \(wanted) parts of an axis of \(whole)")
            return Array(given.prefix(wanted))
        }
        let count = call.version < 18 ? wanted : try call.optionalInt("num_outputs") ?? wanted
        try call.require(
            count >= 1 && count >= wanted, "it has \(count) outputs, and the model uses \(wanted)")
        let size = whole / count + (whole % count == 0 ? 0 : 1)
        return (0..<wanted).map { min(size, max(0, whole - $0 * size)) }
    }

    private static func givenExtents(
        _ call: OperatorCall, in graph: inout GraphBuilder
    ) throws -> [Int]? {
        if let list = try call.optionalInts("split"), call.version < 13 { return list }
        guard let input = try call.optional(1) else { return nil }
        if call.version > 1 { return try graph.integers(input) }
        // The first version took the extents in the type of its input.
        let tensor = try graph.tensor(input)
        return tensor.doubles.map { Int(exactly: $0) ?? -1 }
    }
}
