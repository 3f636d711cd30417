/// How far a prediction is from the right side of its margin, reduced; the target is -1 or 1.
package enum HingeLoss: ModelOperator {
    package static let schema = elementLossSchema(
        "HingeLoss", "How far a prediction is from the right side of its margin.",
        target: "the type of input, -1 or 1 for each element",
        attributes: [.float("margin", 1, "what prediction times target should reach")])

    package static func build(_ call: OperatorCall, in graph: inout GraphBuilder) throws -> [GraphValue] {
        let margin = try call.float("margin")
        return try call.elementLoss(in: &graph) { prediction, target, graph in
            let margin = graph.constant(.scalar(margin, graph.type(of: prediction).element))
            let reached = try graph.add(Mul(), [prediction, target])
            return try graph.add(Relu(), [try graph.add(Sub(), [margin, reached])])
        }
    }
}
