extension Attention: ModelOperator {
    package static let schema = OperatorSchema(
        "Attention", since: 23, "Attention of queries to keys, with several heads and a mask.",
        inputs: [
            .required("Q", .floats, "[batch, heads, queries, size] or [batch, queries, heads * size]"),
            .required("K", .floats, "the same for the keys; its heads divide those of Q"),
            .required("V", .floats, "the same for the values, as many as keys; its size may be another"),
            .optional(
                "attn_mask", [.numbers, .bool],
                "broadcasts to [batch, heads, queries, keys]: whether a key is seen, or a number to add; keys "
                    + "beyond its last axis are not seen"),
            .optional("past_key", .floats, "[batch, heads, past keys, size], which come before K"),
            .optional("past_value", .floats, "[batch, heads, past keys, size], which come before V"),
            .optional("nonpad_kv_seqlen", .int64, "[batch], how many keys are no padding"),
        ],
        outputs: [
            .required("Y", .floats, "the mixed values, in the layout of Q"),
            .optional("present_key", .floats, "[batch, heads, all keys, size]"),
            .optional("present_value", .floats, "[batch, heads, all keys, size]"),
            .optional("qk_matmul_output", .floats, "[batch, heads, queries, all keys], the scores"),
        ],
        attributes: [
            .int("q_num_heads", nil, "the heads of Q; needed where they are not an axis"),
            .int("kv_num_heads", nil, "the heads of K and V; needed where they are not an axis"),
            .float("scale", nil, "the factor of the scores; 1 / sqrt(size) if not given"),
            .float("softcap", 0, "bends scores to lie between minus this and this; 0 leaves them"),
            .int("is_causal", 0, "whether a query sees no key behind its own position"),
            .int("softmax_precision", nil, "the element type in which the softmax is computed"),
            .int(
                "qk_matmul_output_mode", 0,
                "which scores are given out: 0 scaled, 1 after softcap, 2 after the mask, 3 after the softmax"
            ),
        ])

    package static func build(_ call: OperatorCall, in graph: inout GraphBuilder) throws -> [GraphValue] {
        var inputs = [try call.input(0), try call.input(1), try call.input(2)]
        let (mask, pastKey, pastValue) = (try call.optional(3), try call.optional(4), try call.optional(5))
        let lengths = try call.optional(6)
        try call.require((pastKey == nil) == (pastValue == nil), "past keys and past values come together")
        inputs += [mask, pastKey, pastValue, lengths].compactMap { $0 }
        let mode = try call.int("qk_matmul_output_mode")
        guard let stage = ScoreStage(rawValue: mode) else {
            throw call.error("qk_matmul_output_mode is 0, 1, 2 or 3, not \(mode)")
        }
        let attention = Attention(
            queryHeads: try call.optionalInt("q_num_heads"), keyHeads: try call.optionalInt("kv_num_heads"),
            scale: try call.optionalFloat("scale"), softcap: try call.float("softcap"),
            isCausal: try call.flag("is_causal"),
            softmaxPrecision: try call.optionalElementType("softmax_precision"), hasMask: mask != nil,
            hasPast: pastKey != nil, hasLengths: lengths != nil,
            givesPresent: call.wantsOutput(1) || call.wantsOutput(2),
            givenScores: call.wantsOutput(3) ? stage : nil)
        var outputs = try graph.addNode(attention, inputs)
        // Outputs that nobody reads keep the others in their places.
        if !attention.givesPresent { outputs.insert(contentsOf: [inputs[1], inputs[2]], at: 1) }
        return outputs.map(GraphValue.tensor)
    }

    package func written(inputs: [TensorType], outputs: [TensorType]) -> WrittenCall? {
        var operands = [WrittenCall.Input.operand(0), .operand(1), .operand(2)]
        operands.append(hasMask ? .operand(maskIndex) : .omitted)
        operands += hasPast ? [.operand(pastIndex), .operand(pastIndex + 1)] : [.omitted, .omitted]
        operands.append(hasLengths ? .operand(lengthsIndex) : .omitted)
        var attributes: [String: Attribute] = [
            "softcap": .float(softcap), "is_causal": .int(isCausal ? 1 : 0),
            "qk_matmul_output_mode": .int(givenScores?.rawValue ?? 0),
        ]
        attributes["q_num_heads"] = queryHeads.map(Attribute.int)
        attributes["kv_num_heads"] = keyHeads.map(Attribute.int)
        attributes["scale"] = scale.map(Attribute.float)
        attributes["softmax_precision"] = softmaxPrecision.map { .int(Int($0.rawValue)) }
        var call = WrittenCall(
            Self.schema, since: hasLengths ? 24 : 23, attributes: attributes, inputs: operands)
        // The scores come after the keys and values.
        if givenScores != nil, !givesPresent { call.outputs = [0, nil, nil, 1] }
        return call
    }
}
