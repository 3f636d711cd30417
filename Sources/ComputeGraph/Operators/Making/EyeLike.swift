/// A matrix with ones along a diagonal and zeros elsewhere, of the shape of another one.
package enum EyeLike: ModelOperator {
    package static let schema = OperatorSchema(
        "EyeLike", since: 9, "A matrix with ones along a diagonal and zeros elsewhere.",
        inputs: [.required("input", .tensors, "a matrix, of which only the type is used")],
        outputs: [.required("output", [.numbers, .bool], "the shape of the input")],
        attributes: [
            .int("dtype", nil, "the number of the element type; without it that of the input"),
            .int("k", 0, "by how many columns the diagonal lies right of the main one"),
        ])

    package static func build(_ call: OperatorCall, in graph: inout GraphBuilder) throws -> [GraphValue] {
        let given = graph.type(of: try call.input(0))
        let type = TensorType(try call.optionalElementType("dtype") ?? given.element, given.shape)
        try call.require(given.shape.rank == 2, "a matrix has two axes, not the shape \(given.shape)")
        try call.require(
            type.element.isFloating || type.element.wholeRange != nil, "there is no one of \(type.element)")
        try graph.requireRoom(toMake: type, name: schema.name)
        let (rows, columns) = (given.shape[0], given.shape[1])
        let offset = try min(max(call.int("k"), -rows), columns)
        var values = [Double](repeating: 0, count: type.shape.count)
        if !values.isEmpty {
            for row in max(0, -offset)..<max(0, -offset, min(rows, columns - offset)) {
                values[row * columns + row + offset] = 1
            }
        }
        return [.tensor(graph.constant(HostTensor(type, doubles: values)))]
    }
}
