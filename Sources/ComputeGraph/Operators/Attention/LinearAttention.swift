#if canImport(Glibc)
internal import Glibc
#endif

/// Attention as a recurrence: each head of the key keeps a matrix, to which each token adds.
///
/// For each token the matrix S is first multiplied by `exp(decay)`, row by row, where the rule has gates. Then the
/// product of k and v is added, where v is `beta * (v - S k)` instead for a rule with correction. The output is
/// `scale * S q`. Inputs: query, key and value as `[batch, tokens, heads * size]`, then those that are given: the
/// past state `[batch, heads, key size, value size]`, the decay and beta. Outputs: the mixed values and the state.
package struct LinearAttention: Operator {
    package static let name = "LinearAttention"
    package var queryHeads: Int
    package var keyHeads: Int
    /// `1 / sqrt(key size)` where 0.
    package var scale: Double
    package var rule: Rule
    package var hasPast: Bool

    /// ONNX's `update_rule`.
    package enum Rule: String, Hashable, Sendable {
        case linear
        case gated
        case delta
        case gatedDelta = "gated_delta"

        package var hasDecay: Bool { self == .gated || self == .gatedDelta }
        package var hasBeta: Bool { self == .delta || self == .gatedDelta }
    }

    package init(
        queryHeads: Int, keyHeads: Int, scale: Double = 0, rule: Rule = .gatedDelta, hasPast: Bool = false
    ) {
        self.queryHeads = queryHeads
        self.keyHeads = keyHeads
        self.scale = scale
        self.rule = rule
        self.hasPast = hasPast
    }

    private var decayIndex: Int { hasPast ? 4 : 3 }
    private var betaIndex: Int { decayIndex + (rule.hasDecay ? 1 : 0) }

    package func outputTypes(of inputs: [TensorType]) throws(GraphError) -> [TensorType] {
        try requireInputs(inputs, betaIndex + (rule.hasBeta ? 1 : 0))
        try requireFloating(inputs.enumerated().filter { !hasPast || $0.offset != 3 }.map(\.element))
        for input in inputs[..<3] { try requireRank(input, 3, "query, key and value") }
        let query = try heads(of: inputs[0], count: queryHeads, "the query")
        let key = try heads(of: inputs[1], count: keyHeads, "the key")
        let value = try heads(of: inputs[2], count: keyHeads, "the value")
        let (batch, tokens) = (inputs[0].shape[0], query.positions)
        try require(
            queryHeads % keyHeads == 0 && query.size == key.size && key.positions == tokens
                && value.positions == tokens && inputs[1].shape[0] == batch && inputs[2].shape[0] == batch,
            "\(inputs[0].shape), \(inputs[1].shape) and \(inputs[2].shape) do not fit as query, key and value"
        )
        let state = try Shape(checking: [batch, keyHeads, key.size, value.size])
        if hasPast {
            try requireFloating([inputs[3]])
            try requireShape(inputs[3], state, "the past state")
        }
        if rule.hasDecay {
            try requireGate(inputs[decayIndex], batch, tokens, [keyHeads, inputs[1].shape[2]], "the decay")
        }
        if rule.hasBeta { try requireGate(inputs[betaIndex], batch, tokens, [keyHeads, 1], "beta") }
        let width = try Shape(checking: [queryHeads, value.size]).count
        return [
            TensorType(inputs[0].element, try Shape(checking: [batch, tokens, width])),
            TensorType(hasPast ? inputs[3].element : inputs[0].element, state),
        ]
    }

    private func requireGate(
        _ type: TensorType, _ batch: Int, _ tokens: Int, _ widths: [Int], _ what: String
    ) throws(GraphError) {
        let shape = type.shape
        try require(
            shape.rank == 3 && shape[0] == batch && shape[1] == tokens && widths.contains(shape[2]),
            "\(what) is [\(batch)x\(tokens)x\(widths[0])] or [\(batch)x\(tokens)x\(widths[1])], not \(shape)")
    }

    package func reference(_ inputs: [HostTensor]) -> [HostTensor] {
        let types = knownOutputTypes(inputs)
        let stateShape = types[1].shape
        var output = [Double](repeating: 0, count: types[0].shape.count)
        var states =
            hasPast ? inputs[3].doubles : [Double](repeating: 0, count: stateShape.count)
        if !states.isEmpty {
            let tokens = Tokens(self, inputs, state: stateShape)
            let size = stateShape[2] * stateShape[3]
            for matrix in 0..<stateShape[0] * keyHeads {
                var state = Array(states[matrix * size..<(matrix + 1) * size])
                for token in 0..<inputs[0].type.shape[1] {
                    tokens.advance(&state, matrix / keyHeads, matrix % keyHeads, token, &output)
                }
                states.replaceSubrange(matrix * size..<(matrix + 1) * size, with: state)
            }
        }
        return [HostTensor(types[0], doubles: output), HostTensor(types[1], doubles: states)]
    }

    package func exactness(for inputs: [TensorType]) -> Exactness {
        .accumulated(terms: inputs[0].shape.extents.dropFirst().reduce(1, *))
    }

    package func floatingPointOperations(inputs: [TensorType], outputs: [TensorType]) -> Int {
        operationCount(6, outputs[1].shape.count, inputs[0].shape[1])
    }

    /// The numbers of all tokens, and the step that one of them makes.
    private struct Tokens {
        let attention: LinearAttention
        let tokenCount: Int
        let keySize: Int
        let valueSize: Int
        let query: [Double]
        let key: [Double]
        let value: [Double]
        /// As wide as the key, or one number for each head.
        let decay: [Double]
        let decayWidth: Int
        let beta: [Double]
        let betaWidth: Int

        init(_ attention: LinearAttention, _ inputs: [HostTensor], state: Shape) {
            self.attention = attention
            tokenCount = inputs[0].type.shape[1]
            (keySize, valueSize) = (state[2], state[3])
            (query, key, value) = (inputs[0].doubles, inputs[1].doubles, inputs[2].doubles)
            let decay = attention.rule.hasDecay ? inputs[attention.decayIndex] : nil
            self.decay = decay?.doubles ?? []
            decayWidth = decay?.type.shape[2] ?? 0
            let beta = attention.rule.hasBeta ? inputs[attention.betaIndex] : nil
            self.beta = beta?.doubles ?? []
            betaWidth = beta?.type.shape[2] ?? 0
        }

        func advance(
            _ state: inout [Double], _ batch: Int, _ head: Int, _ token: Int, _ output: inout [Double]
        ) {
            let place = batch * tokenCount + token
            let keyStart = (place * attention.keyHeads + head) * keySize
            let valueStart = (place * attention.keyHeads + head) * valueSize
            var added = Array(value[valueStart..<valueStart + valueSize])
            if attention.rule.hasDecay { decay(&state, place, head) }
            if attention.rule.hasBeta {
                let rate = beta[place * betaWidth + (betaWidth == 1 ? 0 : head)]
                for column in 0..<valueSize {
                    let kept = (0..<keySize).reduce(0) {
                        $0 + state[$1 * valueSize + column] * key[keyStart + $1]
                    }
                    added[column] = rate * (added[column] - kept)
                }
            }
            for row in 0..<keySize {
                state.add(
                    key[keyStart + row], times: added, from: 0, step: 1, count: valueSize, at: row * valueSize
                )
            }
            read(state, place, head, &output)
        }

        private func decay(_ state: inout [Double], _ place: Int, _ head: Int) {
            let isWide = decayWidth == attention.keyHeads * keySize
            for row in 0..<keySize {
                let gate = decay[place * decayWidth + (isWide ? head * keySize + row : head)]
                let factor = exp(gate)
                for column in 0..<valueSize { state[row * valueSize + column] *= factor }
            }
        }

        private func read(_ state: [Double], _ place: Int, _ head: Int, _ output: inout [Double]) {
            let scale = attention.scale == 0 ? 1 / Double(keySize).squareRoot() : attention.scale
            let groupSize = attention.queryHeads / attention.keyHeads
            for queryHead in head * groupSize..<(head + 1) * groupSize {
                let row = place * attention.queryHeads + queryHead
                for index in 0..<keySize {
                    output.add(
                        scale * query[row * keySize + index], times: state, from: index * valueSize, step: 1,
                        count: valueSize, at: row * valueSize)
                }
            }
        }
    }
}

extension LinearAttention: ModelOperator {
    package static let schema = OperatorSchema(
        "LinearAttention", since: 27, "Attention as a recurrence that keeps a matrix for each head.",
        inputs: [
            .required("query", .floats, "[batch, tokens, query heads * key size]"),
            .required("key", .floats, "[batch, tokens, key heads * key size]"),
            .required("value", .floats, "[batch, tokens, key heads * value size]"),
            .optional("past_state", .floats, "[batch, key heads, key size, value size]; 0 if not given"),
            .optional(
                "decay", .floats,
                "the shape of key, or [batch, tokens, key heads]: logarithms of what is kept"),
            .optional(
                "beta", .floats, "[batch, tokens, key heads] or [batch, tokens, 1], rates of correction"),
        ],
        outputs: [
            .required("output", .floats, "[batch, tokens, query heads * value size]"),
            .required("present_state", .floats, "[batch, key heads, key size, value size]"),
        ],
        attributes: [
            .int("q_num_heads", nil, "a multiple of kv_num_heads").required,
            .int("kv_num_heads", nil, "at least 1").required,
            .float("scale", 0, "the factor of the output; 0 stands for 1 / sqrt(key size)"),
            .string("update_rule", "gated_delta", "linear, gated, delta or gated_delta"),
            .int("chunk_size", 64, "a hint for speed"),
        ])

    package static func build(_ call: OperatorCall, in graph: inout GraphBuilder) throws -> [GraphValue] {
        let name = try call.string("update_rule")
        guard let rule = Rule(rawValue: name) else {
            throw call.error("the update rule is linear, gated, delta or gated_delta, not \(name)")
        }
        let (past, decay, beta) = (try call.optional(3), try call.optional(4), try call.optional(5))
        try call.require(
            rule.hasDecay == (decay != nil), "the rule \(name) \(rule.hasDecay ? "needs" : "has no") decay")
        try call.require(
            rule.hasBeta == (beta != nil), "the rule \(name) \(rule.hasBeta ? "needs" : "has no") beta")
        let attention = LinearAttention(
            queryHeads: try call.int("q_num_heads"), keyHeads: try call.int("kv_num_heads"),
            scale: try call.float("scale"), rule: rule, hasPast: past != nil)
        let inputs = [try call.input(0), try call.input(1), try call.input(2), past, decay, beta]
        return try graph.addNode(attention, inputs.compactMap { $0 }).map(GraphValue.tensor)
    }

    package func written(inputs: [TensorType], outputs: [TensorType]) -> WrittenCall? {
        let operands: [WrittenCall.Input] = [
            .operand(0), .operand(1), .operand(2), hasPast ? .operand(3) : .omitted,
            rule.hasDecay ? .operand(decayIndex) : .omitted, rule.hasBeta ? .operand(betaIndex) : .omitted,
        ]
        return WrittenCall(
            Self.schema,
            attributes: [
                "q_num_heads": .int(queryHeads), "kv_num_heads": .int(keyHeads), "scale": .float(scale),
                "update_rule": .string(rule.rawValue),
            ],
            inputs: operands)
    }
}
