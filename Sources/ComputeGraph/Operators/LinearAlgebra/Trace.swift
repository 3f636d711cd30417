/// The sum of the diagonal of each matrix, square or not.
package enum Trace: ModelOperator {
    package static let schema = OperatorSchema(
        "Trace", domain: .heng, "The sum of the diagonal of each matrix.",
        inputs: [.required("A", .realFields, "[..., m, n]")],
        outputs: [.required("t", .realFields, "the leading axes of A")])

    package static func build(_ call: OperatorCall, in graph: inout GraphBuilder) throws -> [GraphValue] {
        let input = try call.input(0)
        let type = graph.type(of: input)
        try call.require(type.shape.rank >= 2, "takes matrices in the two last axes, not \(type)")
        let batch = Array(type.shape.extents.dropLast(2))
        let (rows, columns) = (type.shape[batch.count], type.shape[batch.count + 1])
        guard type.shape.count > 0 else {
            return [
                .tensor(try graph.zeros(TensorType(type.element, Shape(checking: batch))))
            ]
        }
        let flat = try graph.add(Reshape(batch + [rows * columns]), [input])
        // Row by row, the diagonal's elements lie a row and one element apart.
        let diagonal = try graph.add(
            Slice(
                starts: [0], ends: [(min(rows, columns) - 1) * (columns + 1) + 1], axes: [batch.count],
                steps: [columns + 1]), [flat])
        return [.tensor(try graph.add(ReduceSum(axes: [batch.count], keepDims: false), [diagonal]))]
    }
}
