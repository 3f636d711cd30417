/// What an optional holds.
package enum OptionalGetElement: ModelOperator {
    package static let schema = OperatorSchema(
        "OptionalGetElement", since: 15, "What an optional holds.",
        inputs: [
            .required(
                "input", [.optional, .tensors, .sequence],
                "not empty; a tensor or a sequence stands for itself")
        ],
        outputs: [.required("output", [.tensors, .sequence], "what it holds")])

    package static func build(_ call: OperatorCall, in graph: inout GraphBuilder) throws -> [GraphValue] {
        let value = try call.value(0)
        guard case .optional(let held, _) = value else { return [value] }
        guard let held else { throw call.error("the optional is empty") }
        return [held]
    }
}
