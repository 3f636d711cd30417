/// The same elements without axes of extent 1.
package enum Squeeze: ModelOperator {
    package static let schema = OperatorSchema(
        "Squeeze", "The same elements without axes of extent 1.",
        inputs: [
            .required("data", .tensors, "any shape"),
            .optional("axes", .int64, "from version 13: the axes to remove; without it all of extent 1"),
        ],
        outputs: [.required("squeezed", .tensors, "the axes that are left")],
        attributes: [.ints("axes", nil, "before version 13: the axes to remove; without it all of extent 1")])

    package static func build(_ call: OperatorCall, in graph: inout GraphBuilder) throws -> [GraphValue] {
        let data = try call.input(0)
        let shape = graph.type(of: data).shape
        let given = try call.integers("axes", inputSince: 13, at: 1, in: &graph)
        let axes = try given.map { try call.resolved(axes: $0, rank: shape.rank) }
        let removed = axes ?? shape.extents.indices.filter { shape[$0] == 1 }
        try call.require(
            removed.allSatisfy { shape[$0] == 1 }, "the axes \(removed) of \(shape) have not all the extent 1"
        )
        return [.tensor(try graph.reshaped(data, to: shape.without(removed).extents))]
    }
}
