/// The sum of the products of two vectors in the last axes; the axes before broadcast.
package enum Dot: ModelOperator {
    package static let schema = OperatorSchema(
        "Dot", domain: .heng, "The scalar product of vectors.",
        inputs: [.required("A", .realFields, "[..., n]"), .required("B", .realFields, "[..., n]")],
        outputs: [.required("C", .realFields, "the leading axes of A and B, broadcast")])

    package static func build(_ call: OperatorCall, in graph: inout GraphBuilder) throws -> [GraphValue] {
        let (left, right) = (try call.input(0), try call.input(1))
        let (a, b) = (graph.type(of: left).shape.extents, graph.type(of: right).shape.extents)
        try call.require(!a.isEmpty && a.last == b.last, "the vectors of \(Shape(a)) and \(Shape(b)) differ")
        let row = try graph.add(Reshape(a.dropLast() + [1, a[a.count - 1]], allowsZero: true), [left])
        let column = try graph.add(Reshape(b + [1], allowsZero: true), [right])
        let product = try graph.add(MatMul(), [row, column])
        let extents = Array(graph.type(of: product).shape.extents.dropLast(2))
        return [.tensor(try graph.add(Reshape(extents, allowsZero: true), [product]))]
    }
}
