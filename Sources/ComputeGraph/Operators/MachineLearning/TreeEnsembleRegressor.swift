/// `TreeEnsemble` with its trees written node by node, and float32 as its output.
package enum TreeEnsembleRegressor: ModelOperator {
    package static let schema = OperatorSchema(
        "TreeEnsembleRegressor", domain: .machineLearning,
        "The sum over decision trees of the leaves reached.",
        inputs: [.required("X", .features, "[N, F]")],
        outputs: [.required("Y", .float32, "[N, n_targets]")],
        attributes: OperatorSchema.AttributeParameter.treesByNodes(votes: "target", of: "target") + [
            .int("n_targets", nil, "at least 1; else 1"),
            .string("aggregate_function", "SUM", "SUM, AVERAGE over trees, MIN or MAX"),
            ScoreTransform.attribute,
        ])

    package static func build(_ call: OperatorCall, in graph: inout GraphBuilder) throws -> [GraphValue] {
        let name = try call.string("aggregate_function")
        guard let aggregate = DecisionForest.Aggregate(rawValue: name) else {
            throw call.error("aggregate_function is SUM, AVERAGE, MIN or MAX, not \(name)")
        }
        let targets = try call.optionalInt("n_targets") ?? 1
        let ensemble = TreeEnsemble(
            try call.treesByNodes(votes: "target", targets: targets), targets: targets, aggregate: aggregate,
            base: try call.optionalNumbers("base_values") ?? [], transform: try call.scoreTransform())
        return [.tensor(try graph.add(ensemble, [call.input(0)]))]
    }
}
