/// How many elements a tensor has; ONNX calls it `Size`.
package enum SizeOperator: ModelOperator {
    package static let schema = OperatorSchema(
        "Size", "How many elements a tensor has.",
        inputs: [.required("data", .tensors, "any shape")],
        outputs: [.required("size", .int64, "one number")])

    package static func build(_ call: OperatorCall, in graph: inout GraphBuilder) throws -> [GraphValue] {
        let count = graph.type(of: try call.input(0)).shape.count
        return [.tensor(graph.constant(HostTensor(.int64(), integers: [Int64(count)])))]
    }
}
