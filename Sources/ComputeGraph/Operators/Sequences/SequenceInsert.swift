/// A sequence with one more element.
package enum SequenceInsert: ModelOperator {
    package static let schema = OperatorSchema(
        "SequenceInsert", since: 11, "A sequence with one more element.",
        inputs: [
            .required("input_sequence", .sequence, "of n tensors"),
            .required("tensor", .tensors, "of the element type of those in the sequence"),
            .optional("position", .indices, "one of -n to n, where it will stand; the end if not given"),
        ],
        outputs: [.required("output_sequence", .sequence, "of n + 1 tensors")])

    package static func build(_ call: OperatorCall, in graph: inout GraphBuilder) throws -> [GraphValue] {
        var (elements, type) = try call.sequence(0)
        let element = try call.element(1, of: type, in: graph)
        var position = elements.count
        if try call.optional(2) != nil {
            position = try call.integer(2, in: &graph)
            try call.require(
                position >= -elements.count && position <= elements.count,
                "position \(position) is not in a sequence of \(elements.count)")
            if position < 0 { position += elements.count }
        }
        elements.insert(element, at: position)
        return [.sequence(elements, of: type)]
    }
}
