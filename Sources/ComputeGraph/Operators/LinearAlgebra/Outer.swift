/// The product of each element of one vector with each of another; the axes before the last broadcast.
package enum Outer: ModelOperator {
    package static let schema = OperatorSchema(
        "Outer", domain: .heng, "The outer product of vectors.",
        inputs: [.required("A", .realFields, "[..., m]"), .required("B", .realFields, "[..., n]")],
        outputs: [.required("C", .realFields, "[..., m, n]: C[i, j] = A[i] B[j]")])

    package static func build(_ call: OperatorCall, in graph: inout GraphBuilder) throws -> [GraphValue] {
        let (left, right) = (try call.input(0), try call.input(1))
        let (a, b) = (graph.type(of: left).shape.extents, graph.type(of: right).shape.extents)
        try call.require(!a.isEmpty && !b.isEmpty, "takes vectors in the last axes, not single numbers")
        let column = try graph.add(Reshape(a + [1], allowsZero: true), [left])
        let row = try graph.add(Reshape(b.dropLast() + [1, b[b.count - 1]], allowsZero: true), [right])
        return [.tensor(try graph.add(Mul(), [column, row]))]
    }
}
