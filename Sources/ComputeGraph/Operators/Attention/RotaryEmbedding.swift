/// Pairs of elements of each head turned by an angle that depends on their position.
///
/// Inputs: X, the cosines and the sines of the angles, and with `hasPositions` the position of each token, by which
/// a row of both tables is chosen; without, the tables have a row for each token. A position outside of the tables
/// gives NaN. X is `[batch, heads, tokens, size]` or `[batch, tokens, heads * size]`.
package struct RotaryEmbedding: Operator {
    package static let name = "RotaryEmbedding"
    /// Needed where heads are not an axis.
    package var heads: Int?
    /// How many elements of each head are turned, from its first on; 0 for all.
    package var rotatedSize: Int
    /// Whether a pair is two neighbours, and not an element of each half.
    package var isInterleaved: Bool
    package var hasPositions: Bool

    package init(
        heads: Int? = nil, rotatedSize: Int = 0, isInterleaved: Bool = false, hasPositions: Bool = false
    ) {
        self.heads = heads
        self.rotatedSize = rotatedSize
        self.isInterleaved = isInterleaved
        self.hasPositions = hasPositions
    }

    package func outputTypes(of inputs: [TensorType]) throws(GraphError) -> [TensorType] {
        try requireInputs(inputs, hasPositions ? 4 : 3)
        try requireFloating(inputs[..<3])
        let x = try heads(of: inputs[0], count: heads, "X")
        let rotated = rotatedSize == 0 ? x.size : rotatedSize
        try require(
            rotated >= 0 && rotated <= x.size && rotated % 2 == 0,
            "an even number of the \(x.size) elements of a head is turned, not \(rotated)")
        try requireShape(inputs[2], inputs[1].shape, "the table of sines")
        let tokens: Shape = [inputs[0].shape[0], x.positions]
        if hasPositions {
            try requireRank(inputs[1], 2, "the table of cosines")
            try require(
                inputs[1].shape[1] == rotated / 2,
                "the rows of the tables have \(rotated / 2) angles, not \(inputs[1].shape[1])")
            try requireIndices(inputs[3])
            try requireShape(inputs[3], tokens, "the positions")
        } else {
            let rows = try Shape(checking: tokens.extents + [rotated / 2])
            try requireShape(inputs[1], rows, "the table of cosines")
        }
        return [inputs[0]]
    }

    package func reference(_ inputs: [HostTensor]) -> [HostTensor] {
        let type = inputs[0].type
        let isPacked = type.shape.rank == 3
        var x = inputs[0].doubles
        guard !x.isEmpty else { return [inputs[0]] }
        let count = isPacked ? heads ?? 1 : type.shape[1]
        let tokens = type.shape[isPacked ? 1 : 2]
        let size = isPacked ? type.shape[2] / count : type.shape[3]
        let half = (rotatedSize == 0 ? size : rotatedSize) / 2
        let (cosines, sines) = (inputs[1].doubles, inputs[2].doubles)
        let positions = hasPositions ? inputs[3].indices : nil
        for row in 0..<type.shape.count / size {
            let batch = row / (count * tokens)
            let token = isPacked ? row / count % tokens : row % tokens
            let place = positions?[batch * tokens + token] ?? batch * tokens + token
            let isInside = place >= 0 && place < cosines.count / max(half, 1)
            for pair in 0..<half {
                let cosine = isInside ? cosines[place * half + pair] : .nan
                let sine = isInside ? sines[place * half + pair] : .nan
                let first = row * size + (isInterleaved ? 2 * pair : pair)
                let second = isInterleaved ? first + 1 : first + half
                (x[first], x[second]) = (
                    cosine * x[first] - sine * x[second], sine * x[first] + cosine * x[second]
                )
            }
        }
        return [HostTensor(type, doubles: x)]
    }

    package func exactness(for inputs: [TensorType]) -> Exactness { .rounding }

    package func floatingPointOperations(inputs: [TensorType], outputs: [TensorType]) -> Int {
        3 * outputs[0].shape.count
    }
}

extension RotaryEmbedding: ModelOperator {
    package static let schema = OperatorSchema(
        "RotaryEmbedding", since: 23, "Pairs of elements of each head turned by the angle of their position.",
        inputs: [
            .required("X", .floats, "[batch, heads, tokens, size] or [batch, tokens, heads * size]"),
            .required(
                "cos_cache", .floats,
                "[positions, turned size / 2] with position_ids, else [batch, tokens, turned size / 2]"),
            .required("sin_cache", .floats, "the shape of cos_cache"),
            .optional("position_ids", .int64, "[batch, tokens], rows of both tables"),
        ],
        outputs: [.required("Y", .floats, "the shape of X")],
        attributes: [
            .int("num_heads", nil, "needed where heads are not an axis of X"),
            .int("rotary_embedding_dim", 0, "how many elements of a head are turned; 0 for all"),
            .int("interleaved", 0, "whether a pair is two neighbours, and not an element of each half"),
        ])

    package static func build(_ call: OperatorCall, in graph: inout GraphBuilder) throws -> [GraphValue] {
        let positions = try call.optional(3)
        let heads = try call.optionalInt("num_heads")
        let embedding = RotaryEmbedding(
            heads: heads == 0 ? nil : heads, rotatedSize: try call.int("rotary_embedding_dim"),
            isInterleaved: try call.flag("interleaved"), hasPositions: positions != nil)
        let inputs = [try call.input(0), try call.input(1), try call.input(2), positions].compactMap { $0 }
        return [.tensor(try graph.add(embedding, inputs))]
    }

    package func written(inputs: [TensorType], outputs: [TensorType]) -> WrittenCall? {
        var attributes: [String: Attribute] = [
            "rotary_embedding_dim": .int(rotatedSize), "interleaved": .int(isInterleaved ? 1 : 0),
        ]
        attributes["num_heads"] = heads.map(Attribute.int)
        return WrittenCall(Self.schema, attributes: attributes, inputs: inputs.indices.map { .operand($0) })
    }
}
