extension Operator {
    /// The one element type of all inputs, which must be among the given.
    @discardableResult
    func requireCommon(
        _ types: TypeSet, _ inputs: some Sequence<TensorType>
    ) throws(GraphError) -> ElementType {
        var common: ElementType?
        for input in inputs {
            try require(types.contains(input.element), "does not take \(input)")
            try require(
                common == nil || common == input.element,
                "its inputs share one element type; here are both \(common ?? input.element) and \(input.element)"
            )
            common = input.element
        }
        return common ?? .float32
    }

    /// An index of int64 or int32 for each element, counted from the front, or nil where it lies outside.
    func resolvedIndices(_ indices: HostTensor, extent: Int) -> [Int?] {
        indices.indices.map { resolvedIndex($0, extent: extent) }
    }
}

extension ElementType {
    /// The integers that the type holds; bool holds 0 and 1.
    var wholeRange: ClosedRange<Int128>? {
        switch kind {
        case .bool: 0...1
        case .signed: -(1 << Int128(bitWidth - 1))...(1 << Int128(bitWidth - 1)) - 1
        case .unsigned: 0...(1 << Int128(bitWidth)) - 1
        case .floating, .string, .complex: nil
        }
    }
}
