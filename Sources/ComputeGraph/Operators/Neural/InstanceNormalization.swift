/// Each channel of each image brought to mean 0 and variance 1, then scaled and shifted.
///
/// It is `LayerNormalization` of the channels, so it runs where that runs, and has its gradient.
package enum InstanceNormalization: ModelOperator {
    package static let schema = OperatorSchema(
        "InstanceNormalization",
        "Each channel of each image brought to mean 0 and variance 1, then scaled and shifted.",
        inputs: [
            .required("input", .floats, "[batch, channels, ...]"),
            .required("scale", .floats, "[channels]"), .required("B", .floats, "[channels]"),
        ],
        outputs: [.required("output", .floats, "the shape of input")],
        attributes: [
            .ints("consumed_inputs", nil, "version 1, without effect"),
            .float("epsilon", 1e-5, "added to the variance"),
        ])

    package static func build(_ call: OperatorCall, in graph: inout GraphBuilder) throws -> [GraphValue] {
        let shape = graph.type(of: try call.input(0)).shape
        try call.require(shape.rank >= 2, "the input \(shape) has no channels")
        return [.tensor(try call.normalizedGroups(shape[1], parts: shape[1], in: &graph))]
    }
}
