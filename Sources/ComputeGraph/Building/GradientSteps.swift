/// The steps that many gradient rules share.
extension GraphBuilder {
    /// Sums a gradient over the axes along which broadcasting repeated the operand it belongs to.
    mutating func reduced(_ gradient: ValueID, toShapeOf operand: ValueID) throws(GraphError) -> ValueID {
        let shape = type(of: operand).shape
        let axes = shape.repeatedAxes(in: type(of: gradient).shape)
        if axes.isEmpty { return gradient }
        let sum = try add(ReduceSum(axes: axes), [gradient])
        return try reshaped(sum, toShapeOf: operand)
    }

    mutating func reshaped(_ value: ValueID, toShapeOf other: ValueID) throws(GraphError) -> ValueID {
        let shape = type(of: other).shape
        return type(of: value).shape == shape ? value : try add(Reshape(shape.extents), [value])
    }

    /// All axes but the last joined into rows.
    mutating func asMatrix(_ value: ValueID) throws(GraphError) -> ValueID {
        let shape = type(of: value).shape
        return try add(Reshape([-1, shape[shape.rank - 1]]), [value])
    }

    mutating func scaled(_ value: ValueID, by factor: Double) throws(GraphError) -> ValueID {
        let scale = constant("scale", .scalar(factor, type(of: value).element))
        return try add(Mul(), [value, scale])
    }
}
