/// Groups of channels of each image brought to mean 0 and variance 1, then scaled and shifted.
///
/// It is `LayerNormalization` of the image cut into groups, so it runs where that runs, and has its gradient.
package enum GroupNormalization: ModelOperator {
    package static let schema = OperatorSchema(
        "GroupNormalization", since: 18,
        "Groups of channels brought to mean 0 and variance 1, then scaled and shifted.",
        inputs: [
            .required("X", .floats, "[batch, channels, ...]"),
            .required("scale", .floats, "[channels]; before version 21 [num_groups]"),
            .required("bias", .floats, "[channels]; before version 21 [num_groups]"),
        ],
        outputs: [.required("Y", .floats, "the shape of X")],
        attributes: [
            .float("epsilon", 1e-5, "added to the variance"),
            .int("num_groups", nil, "into how many groups the channels are cut").required,
            .int("stash_type", 1, "the number of the type to compute in; it is never narrower here"),
        ])

    package static func build(_ call: OperatorCall, in graph: inout GraphBuilder) throws -> [GraphValue] {
        let shape = graph.type(of: try call.input(0)).shape
        let groups = try call.int("num_groups")
        try call.require(
            shape.rank >= 2 && groups >= 1 && shape[1] % groups == 0,
            "\(groups) groups do not divide the channels of \(shape)")
        let parts = call.version < 21 ? groups : shape[1]
        return [.tensor(try call.normalizedGroups(groups, parts: parts, in: &graph))]
    }
}

extension OperatorCall {
    /// x normalized in so many groups of channels of each image, then with one scale and one shift for each of
    /// `parts`, into which the channels are cut as well.
    func normalizedGroups(_ groups: Int, parts: Int, in graph: inout GraphBuilder) throws -> ValueID {
        let type = graph.type(of: try input(0))
        let element = type.element.forSteps
        let images = type.shape[0]
        for index in 1...2 {
            let given = graph.type(of: try input(index)).shape
            try require(
                given == [parts], "\(schema.inputName(index)) has the shape [\(parts)], not \(given)")
        }
        let size = type.shape.extents[1...].reduce(1, *)
        let ones = try graph.filled(TensorType(element, [size / max(groups, 1)]), with: 1)
        let rule = LayerNormalization(epsilon: Float(try float("epsilon")))
        var y = try graph.converted(input(0), to: element)
        y = try graph.reshaped(y, to: [images, groups, size / max(groups, 1)])
        y = try graph.add(rule, [y, ones])
        y = try graph.reshaped(y, to: [images, parts, size / max(parts, 1)])
        let scale = try graph.converted(input(1), to: element)
        y = try graph.add(Mul(), [y, graph.reshaped(scale, to: [parts, 1])])
        let bias = try graph.converted(input(2), to: element)
        y = try graph.add(Add(), [y, graph.reshaped(bias, to: [parts, 1])])
        return try graph.converted(graph.reshaped(y, to: type.shape.extents), to: type.element)
    }
}
