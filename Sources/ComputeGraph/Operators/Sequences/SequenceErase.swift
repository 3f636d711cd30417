/// A sequence without one of its elements.
package enum SequenceErase: ModelOperator {
    package static let schema = OperatorSchema(
        "SequenceErase", since: 11, "A sequence without one of its elements.",
        inputs: [
            .required("input_sequence", .sequence, "of n tensors"),
            .optional("position", .indices, "one of -n to n - 1; the last if not given"),
        ],
        outputs: [.required("output_sequence", .sequence, "of n - 1 tensors")])

    package static func build(_ call: OperatorCall, in graph: inout GraphBuilder) throws -> [GraphValue] {
        var (elements, type) = try call.sequence(0)
        try call.require(!elements.isEmpty, "the sequence has no elements")
        let isNamed = try call.optional(1) != nil
        let position = isNamed ? try call.position(1, among: elements.count, in: &graph) : elements.count - 1
        elements.remove(at: position)
        return [.sequence(elements, of: type)]
    }
}
