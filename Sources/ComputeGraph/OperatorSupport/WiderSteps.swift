extension ElementType {
    /// The type for the steps of a computation whose result is rounded to this one: 16 bits would lose too much.
    var forSteps: ElementType { isFloating && size < 4 ? .float32 : self }
}

extension GraphBuilder {
    /// The value in an element type: a cast where it has another.
    mutating func converted(_ value: ValueID, to element: ElementType) throws(GraphError) -> ValueID {
        type(of: value).element == element ? value : try add(Cast(to: element), [value])
    }

    /// A constant of one repeated number.
    mutating func filled(_ type: TensorType, with value: Double) throws(GraphError) -> ValueID {
        try requireRoom(toMake: type, name: "a step")
        return constant(
            "filled_\(graph.values.count)",
            HostTensor(type, doubles: [Double](repeating: value, count: type.shape.count)))
    }

    /// One value per channel, as `[channels, 1, ...]`, so that it broadcasts to `[batch, channels, ...]`.
    mutating func perChannel(_ value: ValueID, rank: Int) throws(GraphError) -> ValueID {
        let extents = type(of: value).shape.extents + [Int](repeating: 1, count: max(0, rank - 2))
        return try add(Reshape(extents, allowsZero: true), [value])
    }
}
