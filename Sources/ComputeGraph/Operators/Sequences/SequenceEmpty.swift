/// A sequence without elements.
package enum SequenceEmpty: ModelOperator {
    package static let schema = OperatorSchema(
        "SequenceEmpty", since: 11, "A sequence without elements.",
        inputs: [],
        outputs: [.required("output", .sequence, "of tensors")],
        attributes: [.int("dtype", nil, "the element type of its tensors; float32 if not given")])

    package static func build(_ call: OperatorCall, in graph: inout GraphBuilder) throws -> [GraphValue] {
        let element = try call.optionalElementType("dtype") ?? .float32
        return [.sequence([], of: .tensor(element, shape: nil))]
    }
}
