extension OperatorCall {
    /// The two operands of an arithmetic call, with the broadcasting of versions before 7 made explicit.
    ///
    /// There the attribute `axis` said where the axes of the second operand start among those of the first.
    func broadcastOperands(in graph: inout GraphBuilder) throws -> (left: ValueID, right: ValueID) {
        let (left, right) = (try input(0), try input(1))
        let isOld = try version < 7 && (optionalInt("broadcast") ?? 0) != 0
        guard isOld, let axis = try optionalInt("axis") else { return (left, right) }
        let rank = graph.type(of: left).shape.rank
        let own = graph.type(of: right).shape
        let start = axis < 0 ? axis + rank : axis
        try require(
            start >= 0 && start <= rank - own.rank,
            "an operand of \(own.rank) axes does not start at axis \(axis) of \(rank)")
        let extents = own.extents + [Int](repeating: 1, count: rank - start - own.rank)
        return (left, try graph.add(Reshape(extents, allowsZero: true), [right]))
    }
}
