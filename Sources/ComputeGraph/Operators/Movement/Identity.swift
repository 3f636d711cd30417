/// The input itself, whatever it is.
package enum Identity: ModelOperator {
    package static let schema = OperatorSchema(
        "Identity", "The input itself.",
        inputs: [.required("input", .anything, "any value")],
        outputs: [.required("output", .anything, "the same")])

    package static func build(_ call: OperatorCall, in graph: inout GraphBuilder) throws -> [GraphValue] {
        [try call.value(0)]
    }
}
