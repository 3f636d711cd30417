/// The elements along an axis in order, and where they lay.
package enum Sort: ModelOperator {
    package static let schema = OperatorSchema(
        "Sort", domain: .heng,
        "The elements along an axis in order; equal ones keep theirs, and a NaN is larger than all numbers.",
        inputs: [.required("X", [.numbers, .bool, .string], "at least one axis")],
        outputs: [
            .required("Y", [.numbers, .bool, .string], "the shape of X"),
            .required("indices", .int64, "where along the axis each element lay"),
        ],
        attributes: [
            .int("axis", -1, "the axis; a negative one counts from the last"),
            .int("descending", 0, "whether the largest comes first"),
        ])

    package static func build(_ call: OperatorCall, in graph: inout GraphBuilder) throws -> [GraphValue] {
        let data = try call.input(0)
        let shape = graph.type(of: data).shape
        let axis = try call.resolved(axis: call.int("axis"), rank: shape.rank)
        let sort = TopK(count: shape[axis], axis: axis, findsLargest: try call.flag("descending"))
        return try graph.addNode(sort, [data]).map { .tensor($0) }
    }
}
