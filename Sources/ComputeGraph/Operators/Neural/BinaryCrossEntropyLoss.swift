#if canImport(Glibc)
internal import Glibc
#endif

/// `-(t * log(p) + (1 - t) * log(1 - p))` of a probability p and a target t, element by element.
///
/// Logarithms are at least -100, so that a certain mistake costs much and not infinitely much. A NaN stays in its
/// element.
package struct BinaryCrossEntropyLoss: BroadcastingOperator, PlainOperator {
    package init() {}

    package func value(_ left: Double, _ right: Double) -> Double {
        -(right * bounded(left) + (1 - right) * bounded(1 - left))
    }

    private func bounded(_ x: Double) -> Double {
        let logarithm = log(x)
        return logarithm < -100 ? -100 : logarithm
    }

    package static let hasGradient = true

    package func gradient(
        of node: Node, outputGradients: [ValueID?], in builder: inout GraphBuilder
    ) throws(GraphError) -> [ValueID?] {
        guard let gradient = outputGradients[0] else { return [nil, nil] }
        let (p, t) = (node.inputs[0], node.inputs[1])
        let one = builder.constant("one", .scalar(1, builder.type(of: p).element))
        let rest = try builder.add(Sub(), [one, p])
        let difference = try builder.add(Sub(), [p, t])
        let slope = try builder.add(Div(), [difference, try builder.add(Mul(), [p, rest])])
        let odds = try builder.add(Log(), [try builder.add(Div(), [rest, p])])
        return [
            try builder.reduced(try builder.add(Mul(), [gradient, slope]), toShapeOf: p),
            try builder.reduced(try builder.add(Mul(), [gradient, odds]), toShapeOf: t),
        ]
    }
}

extension BinaryCrossEntropyLoss {
    package static let schema = elementLossSchema(
        "BinaryCrossEntropyLoss", "Minus the logarithmic probability of targets that are so or not so.",
        prediction: "any shape, probabilities", target: "the type of input, probabilities")

    package static func build(_ call: OperatorCall, in graph: inout GraphBuilder) throws -> [GraphValue] {
        try call.elementLoss(in: &graph) { prediction, target, graph in
            try graph.add(BinaryCrossEntropyLoss(), [prediction, target])
        }
    }
}
