/// One element of a sequence.
package enum SequenceAt: ModelOperator {
    package static let schema = OperatorSchema(
        "SequenceAt", since: 11, "One element of a sequence.",
        inputs: [
            .required("input_sequence", .sequence, "of n tensors"),
            .required("position", .indices, "one of -n to n - 1; a negative one counts from the end"),
        ],
        outputs: [.required("tensor", .tensors, "the element")])

    package static func build(_ call: OperatorCall, in graph: inout GraphBuilder) throws -> [GraphValue] {
        let elements = try call.sequence(0).elements
        return [elements[try call.position(1, among: elements.count, in: &graph)]]
    }
}
