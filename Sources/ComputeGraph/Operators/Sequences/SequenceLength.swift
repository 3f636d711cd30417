/// The number of elements of a sequence.
package enum SequenceLength: ModelOperator {
    package static let schema = OperatorSchema(
        "SequenceLength", since: 11, "The number of elements of a sequence.",
        inputs: [.required("input_sequence", .sequence, "of tensors")],
        outputs: [.required("length", .int64, "one number")])

    package static func build(_ call: OperatorCall, in graph: inout GraphBuilder) throws -> [GraphValue] {
        let count = try call.sequence(0).elements.count
        return [.tensor(graph.constant(HostTensor(.int64(), integers: [Int64(count)])))]
    }
}
