/// The coordinates of the elements that are not zero, one column each, in row-major order.
package enum NonZero: ModelOperator {
    package static let schema = OperatorSchema(
        "NonZero", since: 9, "The coordinates of the elements that are not zero.",
        inputs: [.required("X", [.numbers, .bool], "any shape")],
        outputs: [.required("Y", .int64, "one row for each axis, one column for each element found")])

    package static func build(_ call: OperatorCall, in graph: inout GraphBuilder) throws -> [GraphValue] {
        let tensor = try graph.tensor(call.input(0))
        let shape = tensor.type.shape
        let found = tensor.doubles.indices.filter { tensor.doubles[$0] != 0 }.map(shape.coordinates(of:))
        let rows = (0..<shape.rank).flatMap { axis in found.map { Int64($0[axis]) } }
        let result = HostTensor(.int64(shape.rank, found.count), integers: rows)
        return [.tensor(graph.constant(result))]
    }
}
