/// An optional that holds the input, or nothing.
package enum OptionalOperator: ModelOperator {
    package static let schema = OperatorSchema(
        "Optional", since: 15, "An optional that holds the input, or nothing.",
        inputs: [.optional("input", [.tensors, .sequence], "what it will hold")],
        outputs: [.required("output", .optional, "empty where the input is left out")],
        attributes: [.type("type", "the type of what it could hold; needed where the input is left out")])

    package static func build(_ call: OperatorCall, in graph: inout GraphBuilder) throws -> [GraphValue] {
        if call.inputs.first.flatMap({ $0 }) != nil {
            let value = try call.value(0)
            return [.optional(value, of: graph.valueType(of: value).withoutShape)]
        }
        guard case .type(let type) = call.attribute("type") else {
            throw call.error("without an input it needs the attribute type")
        }
        return [.optional(nil, of: type)]
    }
}
