/// The same elements with more axes of extent 1.
package enum Unsqueeze: ModelOperator {
    package static let schema = OperatorSchema(
        "Unsqueeze", "The same elements with more axes of extent 1.",
        inputs: [
            .required("data", .tensors, "any shape"),
            .optional("axes", .int64, "from version 13: the new axes, by their places in the result"),
        ],
        outputs: [.required("expanded", .tensors, "the axes of data and the new ones")],
        attributes: [.ints("axes", nil, "before version 13: the new axes, by their places in the result")])

    package static func build(_ call: OperatorCall, in graph: inout GraphBuilder) throws -> [GraphValue] {
        let data = try call.input(0)
        let extents = graph.type(of: data).shape.extents
        guard let given = try call.integers("axes", inputSince: 13, at: 1, in: &graph) else {
            throw call.error("the axes are missing")
        }
        let rank = extents.count + given.count
        let axes = try Set(call.resolved(axes: given, rank: rank))
        var left = extents[...]
        let result = (0..<rank).map { axes.contains($0) ? 1 : left.removeFirst() }
        return [.tensor(try graph.reshaped(data, to: result))]
    }
}
