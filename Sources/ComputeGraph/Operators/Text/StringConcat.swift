/// The strings of two tensors joined, with NumPy's broadcasting.
package enum StringConcat: ModelOperator {
    package static let schema = OperatorSchema(
        "StringConcat", since: 20, "The strings of two tensors joined, element by element.",
        inputs: [
            .required("X", .string, "any shape; the front of each string"),
            .required("Y", .string, "broadcasts with X; the back of each string"),
        ],
        outputs: [.required("Z", .string, "the shape that X and Y take together")])

    package static func build(_ call: OperatorCall, in graph: inout GraphBuilder) throws -> [GraphValue] {
        let (left, right) = (try call.texts(0, in: &graph), try call.texts(1, in: &graph))
        guard let extents = left.type.shape.broadcast(with: right.type.shape)?.extents else {
            throw call.error("the shapes \(left.type.shape) and \(right.type.shape) do not broadcast")
        }
        let shape = try Shape(checking: extents)
        try graph.requireRoom(for: TensorType(.string, shape), name: call.schema.name)
        let (fronts, backs) = (left.strings, right.strings)
        let places = zip(
            broadcastIndices(of: left.type.shape, in: shape),
            broadcastIndices(of: right.type.shape, in: shape))
        // A long text may meet very many short ones.
        let bytes = places.reduce(0) {
            $0.saturatingSum(fronts[$1.0].utf8.count + backs[$1.1].utf8.count)
        }
        try graph.requireRoom(for: TensorType(.uint8, Shape(checking: [bytes])), name: call.schema.name)
        let joined = places.map { fronts[$0] + backs[$1] }
        return [.tensor(graph.constant(HostTensor(TensorType(.string, shape), strings: joined)))]
    }
}
