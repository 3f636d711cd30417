/// The absolute difference of prediction and target, reduced.
package enum L1Loss: ModelOperator {
    package static let schema = elementLossSchema(
        "L1Loss", "The absolute difference of prediction and target.")

    package static func build(_ call: OperatorCall, in graph: inout GraphBuilder) throws -> [GraphValue] {
        try call.elementLoss(in: &graph) { prediction, target, graph in
            // One of the two is 0, and each has a gradient.
            let above = try graph.add(Relu(), [try graph.add(Sub(), [prediction, target])])
            let below = try graph.add(Relu(), [try graph.add(Sub(), [target, prediction])])
            return try graph.add(Add(), [above, below])
        }
    }
}
