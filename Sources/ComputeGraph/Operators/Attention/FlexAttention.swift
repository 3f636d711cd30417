/// Attention whose scores and probabilities a model changes by graphs of its own.
package enum FlexAttention: ModelOperator {
    package static let schema = OperatorSchema(
        "FlexAttention", domain: .preview, "Attention with graphs that change scores and probabilities.",
        inputs: [
            .required("Q", .floats, "[batch, heads, queries, size]"),
            .required("K", .floats, "[batch, key heads, keys, size]; its heads divide those of Q"),
            .required("V", .floats, "[batch, key heads, keys, value size]"),
        ],
        outputs: [.required("Y", .floats, "[batch, heads, queries, value size]")],
        attributes: [
            .float("scale", nil, "the factor of the scores; 1 / sqrt(size) if not given"),
            .graph("score_mod", "takes the scores [batch, heads, queries, keys] and gives others"),
            .graph("prob_mod", "takes what the softmax makes of them and gives others"),
            .int("softmax_precision", nil, "the element type of scores; float64 or float32 if not given"),
        ])

    package static func build(_ call: OperatorCall, in graph: inout GraphBuilder) throws -> [GraphValue] {
        let (q, k, v) = (try call.input(0), try call.input(1), try call.input(2))
        let types = [q, k, v].map { graph.type(of: $0) }
        // Attention has the same sizes, so its shape rule checks them.
        _ = try Attention().outputTypes(of: types)
        try call.require(
            types.allSatisfy { $0.shape.rank == 4 && $0.element == types[0].element },
            "Q, K and V have four axes and one element type")
        let sizes = try Attention().extents(of: types)
        let element = types[0].element
        let precision =
            try call.optionalElementType("softmax_precision") ?? (element == .float64 ? .float64 : .float32)
        let scale = try call.optionalFloat("scale") ?? 1 / Double(max(sizes.headSize, 1)).squareRoot()
        try call.require(scale >= 0, "the scale is not negative")

        // Heads that share a key are an axis of their own, along which K and V broadcast.
        let (batch, group) = (sizes.batch, sizes.groupSize)
        let shared = [batch, sizes.keyHeads, 1, sizes.keys]
        let grouped = [batch, sizes.keyHeads, group, sizes.queries]
        let all = [batch, sizes.queryHeads, sizes.queries]
        let query = try graph.reshaped(
            try graph.scaled(q, by: scale.squareRoot()), to: grouped + [sizes.headSize])
        let key = try graph.reshaped(
            try graph.scaled(k, by: scale.squareRoot()), to: shared + [sizes.headSize])
        var scores = try graph.add(MatMul(transposesRight: true), [query, key])
        scores = try graph.converted(try graph.reshaped(scores, to: all + [sizes.keys]), to: precision)
        scores = try changed(scores, by: "score_mod", call, in: &graph)
        scores = try graph.add(Softmax(), [scores])
        scores = try changed(scores, by: "prob_mod", call, in: &graph)
        scores = try graph.reshaped(scores, to: grouped + [sizes.keys])
        let value = try graph.reshaped(
            try graph.converted(v, to: precision), to: shared + [sizes.valueHeadSize])
        let mixed = try graph.add(MatMul(), [scores, value])
        let result = try graph.reshaped(mixed, to: all + [sizes.valueHeadSize])
        return [.tensor(try graph.converted(result, to: element))]
    }

    private static func changed(
        _ scores: ValueID, by name: String, _ call: OperatorCall, in graph: inout GraphBuilder
    ) throws -> ValueID {
        guard call.attribute(name) != nil else { return scores }
        let change = try call.subgraph(name, inputs: 1, outputs: 1...1)
        let output = try call.build(change, inputs: [.tensor(scores)], in: &graph)[0]
        let result = try call.tensor(output, "what \(name) gives")
        try call.require(
            graph.type(of: result) == graph.type(of: scores),
            "\(name) gives \(graph.type(of: result)) for \(graph.type(of: scores))")
        return result
    }
}
