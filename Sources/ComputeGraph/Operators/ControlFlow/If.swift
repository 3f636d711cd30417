/// The outputs of one of two graphs, chosen by a condition that is run for while the graph is built.
package enum If: ModelOperator {
    package static let schema = OperatorSchema(
        "If", "The outputs of one of two graphs, as a condition says.",
        inputs: [.required("cond", .bool, "one truth value")],
        outputs: [.variadic("outputs", .anything, "what the chosen graph gives")],
        attributes: [
            .graph("then_branch", "the graph, without inputs, where the condition is true").required,
            .graph("else_branch", "the graph, without inputs, where it is false").required,
        ])

    package static func build(_ call: OperatorCall, in graph: inout GraphBuilder) throws -> [GraphValue] {
        let holds = try call.condition(call.input(0), in: &graph)
        let name = holds ? "then_branch" : "else_branch"
        let branch = try call.subgraph(name, inputs: 0, outputs: 0...Int.max)
        return try call.build(branch, inputs: [], in: &graph)
    }
}
