/// The sizes of one use of attention.
package struct AttentionExtents: Hashable, Sendable {
    package var batch: Int
    package var queryHeads: Int
    package var keyHeads: Int
    /// Positions that ask.
    package var queries: Int
    /// Positions that are given anew, and those kept from before.
    package var newKeys: Int
    package var pastKeys: Int
    package var headSize: Int
    package var valueHeadSize: Int
    /// Whether heads lie in the last axis of `[batch, positions, heads * size]`, and are no axis of their own.
    package var isPacked: Bool

    package var keys: Int { pastKeys + newKeys }
    /// How many heads of the query share one of the key.
    package var groupSize: Int { keyHeads == 0 ? 1 : queryHeads / keyHeads }
}

/// One of Q, K and V, read by batch, head and position, whichever way it lies in memory.
struct HeadRows {
    private let values: [Double]
    private let heads: Int
    private let positions: Int
    private let size: Int
    private let isPacked: Bool

    init(_ tensor: HostTensor, heads: Int, positions: Int, size: Int, isPacked: Bool) {
        values = tensor.doubles
        self.heads = heads
        self.positions = positions
        self.size = size
        self.isPacked = isPacked
    }

    /// The elements of one head at one position.
    func row(_ batch: Int, _ head: Int, _ position: Int) -> ArraySlice<Double> {
        let row =
            isPacked
            ? (batch * positions + position) * heads + head : (batch * heads + head) * positions + position
        return values[row * size..<(row + 1) * size]
    }
}

extension Operator {
    /// The heads and their size in a tensor `[batch, heads, positions, size]` or `[batch, positions, heads * size]`.
    func heads(
        of type: TensorType, count: Int?, _ what: String
    ) throws(GraphError) -> (heads: Int, positions: Int, size: Int) {
        let shape = type.shape
        if shape.rank == 4 { return (shape[1], shape[2], shape[3]) }
        try requireRank(type, 3, what)
        guard let count, count > 0 else {
            throw mismatch("\(what) has three axes, and its heads are not told")
        }
        try require(
            shape[2] >= count && shape[2] % count == 0,
            "\(count) heads do not divide the last axis of \(what), \(shape)")
        return (count, shape[1], shape[2] / count)
    }
}
