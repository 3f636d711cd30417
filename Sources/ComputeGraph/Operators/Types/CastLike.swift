/// The elements of one tensor converted to the type of another.
package enum CastLike: ModelOperator {
    package static let schema = OperatorSchema(
        "CastLike", since: 15, "The elements of one tensor converted to the type of another.",
        inputs: [
            .required("input", .castable, "any shape"),
            .required("target_type", .castable, "any shape; only its element type counts"),
        ],
        outputs: [.required("output", .castable, "the shape of input")],
        attributes: [
            .int("saturate", 1, "whether a float of 8 bits takes its largest value for what lies beyond it"),
            .string("round_mode", "up", "how a number becomes a float8e8m0: up, down or nearest"),
        ])

    package static func build(_ call: OperatorCall, in graph: inout GraphBuilder) throws -> [GraphValue] {
        let target = graph.type(of: try call.input(1)).element
        return [.tensor(try call.cast(call.input(0), to: target, in: &graph))]
    }
}
