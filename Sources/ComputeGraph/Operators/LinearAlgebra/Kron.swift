/// Each element of one matrix times the whole of another, as blocks; the axes before the two last broadcast.
package enum Kron: ModelOperator {
    package static let schema = OperatorSchema(
        "Kron", domain: .heng, "The Kronecker product of matrices.",
        inputs: [.required("A", .realFields, "[..., m, n]"), .required("B", .realFields, "[..., p, q]")],
        outputs: [
            .required("C", .realFields, "[..., m p, n q]: the block of row i and column j is A[i, j] B")
        ])

    package static func build(_ call: OperatorCall, in graph: inout GraphBuilder) throws -> [GraphValue] {
        let (left, right) = (try call.input(0), try call.input(1))
        let (a, b) = (graph.type(of: left).shape.extents, graph.type(of: right).shape.extents)
        try call.require(a.count >= 2 && b.count >= 2, "takes matrices in the two last axes")
        let (m, n) = (a[a.count - 2], a[a.count - 1])
        let (p, q) = (b[b.count - 2], b[b.count - 1])
        let spread = try graph.add(Reshape(a.dropLast(2) + [m, 1, n, 1], allowsZero: true), [left])
        let tile = try graph.add(Reshape(b.dropLast(2) + [1, p, 1, q], allowsZero: true), [right])
        let product = try graph.add(Mul(), [spread, tile])
        let batch = graph.type(of: product).shape.extents.dropLast(4)
        return [.tensor(try graph.add(Reshape(batch + [m * p, n * q], allowsZero: true), [product]))]
    }
}
