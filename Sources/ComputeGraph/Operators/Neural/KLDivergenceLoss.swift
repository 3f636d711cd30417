#if canImport(Glibc)
internal import Glibc
#endif

/// `t * (log(t) - x)` of a logarithmic probability x and a probability t, element by element.
///
/// It is 0 where t is 0. A NaN stays in its element.
package struct KLDivergenceLoss: BroadcastingOperator, PlainOperator {
    package init() {}

    package func value(_ left: Double, _ right: Double) -> Double {
        right == 0 ? (left.isNaN ? .nan : 0) : right * (log(right) - left)
    }

    package static let hasGradient = true

    package func gradient(
        of node: Node, outputGradients: [ValueID?], in builder: inout GraphBuilder
    ) throws(GraphError) -> [ValueID?] {
        guard let gradient = outputGradients[0] else { return [nil, nil] }
        let (x, t) = (node.inputs[0], node.inputs[1])
        let one = builder.constant("one", .scalar(1, builder.type(of: x).element))
        let byX = try builder.add(Neg(), [try builder.add(Mul(), [gradient, t])])
        let distance = try builder.add(Sub(), [try builder.add(Log(), [t]), x])
        let slope = try builder.add(Add(), [distance, one])
        return [
            try builder.reduced(byX, toShapeOf: x),
            try builder.reduced(try builder.add(Mul(), [gradient, slope]), toShapeOf: t),
        ]
    }
}

extension KLDivergenceLoss {
    package static let schema = elementLossSchema(
        "KLDivergenceLoss", "How far one distribution is from another, in the sense of Kullback and Leibler.",
        prediction: "any shape, logarithmic probabilities", target: "the type of input, probabilities")

    package static func build(_ call: OperatorCall, in graph: inout GraphBuilder) throws -> [GraphValue] {
        try call.elementLoss(in: &graph) { prediction, target, graph in
            try graph.add(KLDivergenceLoss(), [prediction, target])
        }
    }
}
