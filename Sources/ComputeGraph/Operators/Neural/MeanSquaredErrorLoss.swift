/// The squared difference of prediction and target, reduced.
package enum MeanSquaredErrorLoss: ModelOperator {
    package static let schema = elementLossSchema(
        "MeanSquaredErrorLoss", "The squared difference of prediction and target.")

    package static func build(_ call: OperatorCall, in graph: inout GraphBuilder) throws -> [GraphValue] {
        try call.elementLoss(in: &graph) { prediction, target, graph in
            let difference = try graph.add(Sub(), [prediction, target])
            return try graph.add(Mul(), [difference, difference])
        }
    }
}
