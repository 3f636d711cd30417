/// What the losses of predictions against targets share: one loss for each element, then the reduction.
extension OperatorCall {
    func elementLoss(
        in graph: inout GraphBuilder,
        _ losses: (_ prediction: ValueID, _ target: ValueID, inout GraphBuilder) throws -> ValueID
    ) throws -> [GraphValue] {
        let (prediction, target) = (try input(0), try input(1))
        let type = graph.type(of: prediction)
        try require(
            graph.type(of: target) == type,
            "the prediction is \(type), and the target \(graph.type(of: target)); they are of one type")
        let wide = type.element.forSteps
        var loss = try losses(
            try graph.converted(prediction, to: wide), try graph.converted(target, to: wide), &graph)
        switch try string("reduction") {
        case "none": break
        case "mean": loss = try graph.add(ReduceMean(keepDims: false), [loss])
        case "sum": loss = try graph.add(ReduceSum(keepDims: false), [loss])
        case "batchmean" where type.shape.rank > 0:
            loss = try graph.add(ReduceSum(keepDims: false), [loss])
            loss = try graph.scaled(loss, by: 1 / Double(type.shape[0]))
        case let other: throw error("the reduction is none, mean, batchmean or sum, not \(other)")
        }
        return [.tensor(try graph.converted(loss, to: type.element))]
    }
}

/// The schema that these losses share.
func elementLossSchema(
    _ name: String, _ summary: String, prediction: String = "any shape", target: String = "the type of input",
    attributes: [OperatorSchema.AttributeParameter] = []
) -> OperatorSchema {
    OperatorSchema(
        name, domain: .heng, summary,
        inputs: [.required("input", .floats, prediction), .required("target", .floats, target)],
        outputs: [.required("loss", .floats, "one number, or the shape of input without reduction")],
        attributes: attributes + [
            .string("reduction", "mean", "none, mean, sum, or batchmean: the sum divided by the first extent")
        ])
}
