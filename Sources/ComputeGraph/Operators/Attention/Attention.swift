#if canImport(Glibc)
internal import Glibc
#endif

/// Attention of queries to keys: `softmax(scale Q K^T + mask) V`, head by head.
///
/// Inputs: Q, K, V, then those that are said to be given: a mask, the past keys and values, and for each item of
/// the batch how many keys are no padding. Q, K and V are `[batch, heads, positions, size]`, or without the axis of
/// heads `[batch, positions, heads * size]`; several heads of the query may share one of the key. Outputs: Y, then,
/// where they are wanted, all keys, all values, and the scores. A query that may see no key gives NaN.
package struct Attention: Operator {
    package static let name = "Attention"
    /// Needed where heads are not an axis.
    package var queryHeads: Int?
    package var keyHeads: Int?
    /// `1 / sqrt(size)` where nil.
    package var scale: Double?
    /// Scores are bent to lie between minus this and this, by a hyperbolic tangent; 0 leaves them.
    package var softcap: Double
    /// Whether a query sees no key behind its own position, counted from the first key that is given anew.
    package var isCausal: Bool
    /// The type to which scores are rounded before the softmax; nil for none.
    package var softmaxPrecision: ElementType?
    package var hasMask: Bool
    package var hasPast: Bool
    package var hasLengths: Bool
    package var givesPresent: Bool
    package var givenScores: ScoreStage?

    /// How far the scores that are given out have come.
    package enum ScoreStage: Int, Hashable, Sendable {
        case scaled
        case capped
        case masked
        case probabilities
    }

    package init(
        queryHeads: Int? = nil, keyHeads: Int? = nil, scale: Double? = nil, softcap: Double = 0,
        isCausal: Bool = false, softmaxPrecision: ElementType? = nil, hasMask: Bool = false,
        hasPast: Bool = false, hasLengths: Bool = false, givesPresent: Bool = false,
        givenScores: ScoreStage? = nil
    ) {
        self.queryHeads = queryHeads
        self.keyHeads = keyHeads
        self.scale = scale
        self.softcap = softcap
        self.isCausal = isCausal
        self.softmaxPrecision = softmaxPrecision
        self.hasMask = hasMask
        self.hasPast = hasPast
        self.hasLengths = hasLengths
        self.givesPresent = givesPresent
        self.givenScores = givenScores
    }

    var maskIndex: Int { 3 }
    var pastIndex: Int { 3 + (hasMask ? 1 : 0) }
    var lengthsIndex: Int { pastIndex + (hasPast ? 2 : 0) }

    package func outputTypes(of inputs: [TensorType]) throws(GraphError) -> [TensorType] {
        try requireInputs(inputs, lengthsIndex + (hasLengths ? 1 : 0))
        let extents = try extents(of: inputs)
        let element = try requireFloating([inputs[0], inputs[1]])
        let valueElement = try requireFloating([inputs[2]])
        if hasPast {
            try require(
                inputs[pastIndex].element == element && inputs[pastIndex + 1].element == valueElement,
                "past keys and values are of the types of K and V")
        }
        if let softmaxPrecision {
            try require(softmaxPrecision.isFloating, "the softmax is computed in floats")
        }
        let heads = [extents.batch, extents.keyHeads, extents.keys]
        let rows = [extents.batch, extents.queryHeads, extents.queries]
        let scores = try Shape(checking: rows + [extents.keys])
        if hasMask { try checkMask(inputs[maskIndex], scores) }
        let output =
            extents.isPacked
            ? [
                extents.batch, extents.queries,
                try Shape(checking: [extents.queryHeads, extents.valueHeadSize]).count,
            ]
            : rows + [extents.valueHeadSize]
        var types = [TensorType(element, try Shape(checking: output))]
        if givesPresent {
            types.append(TensorType(element, try Shape(checking: heads + [extents.headSize])))
            types.append(TensorType(valueElement, try Shape(checking: heads + [extents.valueHeadSize])))
        }
        if givenScores != nil { types.append(TensorType(element, scores)) }
        return types
    }

    /// The sizes that the inputs agree on.
    package func extents(of inputs: [TensorType]) throws(GraphError) -> AttentionExtents {
        let (q, k, v) = (inputs[0], inputs[1], inputs[2])
        try require(
            q.shape.rank == k.shape.rank && q.shape.rank == v.shape.rank,
            "Q, K and V have as many axes, not \(q.shape), \(k.shape) and \(v.shape)")
        let query = try heads(of: q, count: queryHeads, "Q")
        let key = try heads(of: k, count: keyHeads, "K")
        let value = try heads(of: v, count: keyHeads, "V")
        try require(
            q.shape[0] == k.shape[0] && q.shape[0] == v.shape[0] && query.size == key.size
                && key.heads == value.heads && key.positions == value.positions,
            "\(q.shape), \(k.shape) and \(v.shape) do not fit as Q, K and V")
        try require(
            key.heads == 0 ? query.heads == 0 : query.heads % key.heads == 0,
            "\(key.heads) heads of K cannot be shared by \(query.heads) of Q")
        var extents = AttentionExtents(
            batch: q.shape[0], queryHeads: query.heads, keyHeads: key.heads, queries: query.positions,
            newKeys: key.positions, pastKeys: 0, headSize: key.size, valueHeadSize: value.size,
            isPacked: q.shape.rank == 3)
        if hasPast {
            try requireRank(inputs[pastIndex], 4, "the past keys")
            extents.pastKeys = inputs[pastIndex].shape[2]
            let past = [extents.batch, extents.keyHeads, extents.pastKeys]
            try requireShape(inputs[pastIndex], try Shape(checking: past + [key.size]), "the past keys")
            try requireShape(
                inputs[pastIndex + 1], try Shape(checking: past + [value.size]), "the past values")
        }
        if hasLengths {
            try requireIndices(inputs[lengthsIndex])
            try requireShape(inputs[lengthsIndex], [extents.batch], "the numbers of keys")
        }
        return extents
    }

    /// A mask broadcasts to the scores, but its last axis may be shorter: what is missing is not seen.
    private func checkMask(_ mask: TensorType, _ scores: Shape) throws(GraphError) {
        try require(
            mask.element == .bool || mask.element.isFloating || mask.element.isInteger,
            "a mask is of truth values or numbers, not \(mask)")
        var extents = mask.shape.extents
        if let last = extents.last, last > 1, last < scores[3] { extents[extents.count - 1] = scores[3] }
        try require(
            Shape(extents).broadcast(with: scores) == scores,
            "a mask \(mask.shape) does not broadcast to the scores \(scores)")
    }

    package func reference(_ inputs: [HostTensor]) -> [HostTensor] {
        let types = knownOutputTypes(inputs)
        guard let extents = try? extents(of: inputs.map(\.type)) else {
            // The same rule has passed in the line before.
            preconditionFailure("attention has no sizes")
        }
        let scoresType = TensorType(
            inputs[0].type.element,
            Shape([extents.batch, extents.queryHeads, extents.queries, extents.keys]))
        let keys = present(inputs, 1, heads: extents.headSize, extents)
        let values = present(inputs, 2, heads: extents.valueHeadSize, extents)
        var scores = scaledScores(inputs, keys, extents)
        var given = scores
        if softcap > 0 { scores = scores.map { softcap * tanh($0 / softcap) } }
        if givenScores == .capped { given = scores }
        addMasks(inputs, to: &scores, scoresType.shape)
        if givenScores == .masked { given = scores }
        if let softmaxPrecision {
            scores = HostTensor(TensorType(softmaxPrecision, scoresType.shape), doubles: scores).doubles
        }
        if extents.keys > 0 {
            scores = logSoftmax(scores, AxisView(scoresType.shape, axis: 3)).map { exp($0) }
        }
        if givenScores == .probabilities { given = scores }
        var results = [HostTensor(types[0], doubles: mixed(scores, values, extents))]
        if givesPresent {
            results.append(HostTensor(types[1], doubles: keys))
            results.append(HostTensor(types[2], doubles: values))
        }
        if givenScores != nil { results.append(HostTensor(scoresType, doubles: given)) }
        return results
    }

    /// The past and the new keys or values as `[batch, heads, positions, size]`.
    private func present(
        _ inputs: [HostTensor], _ index: Int, heads size: Int, _ extents: AttentionExtents
    ) -> [Double] {
        let new = HeadRows(
            inputs[index], heads: extents.keyHeads, positions: extents.newKeys, size: size,
            isPacked: extents.isPacked)
        let past = hasPast ? inputs[pastIndex + index - 1].doubles : []
        let pastSize = extents.pastKeys * size
        let count = Shape([extents.batch, extents.keyHeads, extents.keys, size]).count
        var result: [Double] = []
        guard count > 0 else { return result }
        result.reserveCapacity(count)
        for batch in 0..<extents.batch {
            for head in 0..<extents.keyHeads {
                let place = batch * extents.keyHeads + head
                result += past[place * pastSize..<(place + 1) * pastSize]
                for position in 0..<extents.newKeys { result += new.row(batch, head, position) }
            }
        }
        return result
    }

    private func scaledScores(
        _ inputs: [HostTensor], _ keys: [Double], _ extents: AttentionExtents
    ) -> [Double] {
        let queries = HeadRows(
            inputs[0], heads: extents.queryHeads, positions: extents.queries, size: extents.headSize,
            isPacked: extents.isPacked)
        let scale = scale ?? 1 / Double(max(extents.headSize, 1)).squareRoot()
        let count = Shape([extents.batch, extents.queryHeads, extents.queries, extents.keys]).count
        var scores: [Double] = []
        guard count > 0 else { return scores }
        scores.reserveCapacity(count)
        for batch in 0..<extents.batch {
            for head in 0..<extents.queryHeads {
                let keyHead = batch * extents.keyHeads + head / extents.groupSize
                for position in 0..<extents.queries {
                    let query = queries.row(batch, head, position)
                    for key in 0..<extents.keys {
                        let first = (keyHead * extents.keys + key) * extents.headSize
                        var sum = 0.0
                        for (place, value) in query.enumerated() { sum += value * keys[first + place] }
                        scores.append(scale * sum)
                    }
                }
            }
        }
        return scores
    }

    /// Adds the mask, and minus infinity where a query must not look.
    private func addMasks(_ inputs: [HostTensor], to scores: inout [Double], _ shape: Shape) {
        guard shape.count > 0 else { return }
        if hasMask { addMask(inputs[maskIndex], to: &scores, shape) }
        let lengths = hasLengths ? inputs[lengthsIndex].indices : []
        let past = hasPast ? inputs[pastIndex].type.shape[2] : 0
        guard isCausal || hasLengths else { return }
        let (queries, keys) = (shape[2], shape[3])
        for row in 0..<shape.count / keys {
            let batch = row / (shape[1] * queries)
            let seen = isCausal ? past + row % queries + 1 : keys
            let end = min(seen, hasLengths ? lengths[batch] : keys)
            for key in max(0, min(end, keys))..<keys { scores[row * keys + key] = -.infinity }
        }
    }

    private func addMask(_ mask: HostTensor, to scores: inout [Double], _ shape: Shape) {
        let keys = shape[3]
        let width = mask.type.shape.extents.last ?? 1
        var seen = shape
        if width > 1 { seen.extents[3] = width }
        let indices = broadcastIndices(of: mask.type.shape, in: seen)
        let isBool = mask.type.element == .bool
        let values = mask.doubles.map { isBool ? ($0 == 0 ? -Double.infinity : 0) : $0 }
        for index in scores.indices {
            let key = index % keys
            scores[index] +=
                key < seen[3] ? values[indices[index / keys * seen[3] + key]] : -Double.infinity
        }
    }

    /// The values mixed by the probabilities, in the layout of Q.
    private func mixed(_ scores: [Double], _ values: [Double], _ extents: AttentionExtents) -> [Double] {
        let size = extents.valueHeadSize
        let count = Shape([extents.batch, extents.queryHeads, extents.queries, size]).count
        var result = [Double](repeating: 0, count: count)
        guard count > 0 else { return result }
        for batch in 0..<extents.batch {
            for head in 0..<extents.queryHeads {
                let keyHead = batch * extents.keyHeads + head / extents.groupSize
                for position in 0..<extents.queries {
                    let row = (batch * extents.queryHeads + head) * extents.queries + position
                    let target =
                        extents.isPacked
                        ? (batch * extents.queries + position) * extents.queryHeads + head : row
                    for key in 0..<extents.keys {
                        result.add(
                            scores[row * extents.keys + key], times: values,
                            from: (keyHead * extents.keys + key) * size, step: 1, count: size,
                            at: target * size)
                    }
                }
            }
        }
        return result
    }

    package func exactness(for inputs: [TensorType]) -> Exactness {
        // Only asked for inputs that the shape rule has passed.
        let extents = try? extents(of: inputs)
        return .accumulated(terms: max(extents?.headSize ?? 1, extents?.keys ?? 1))
    }

    package func floatingPointOperations(inputs: [TensorType], outputs: [TensorType]) -> Int {
        // Only asked for inputs that the shape rule has passed.
        guard let extents = try? extents(of: inputs) else { return 0 }
        let scores = operationCount(extents.batch, extents.queryHeads, extents.queries, extents.keys)
        return operationCount(scores, 2 * extents.headSize + 2 * extents.valueHeadSize + 5)
    }
}
