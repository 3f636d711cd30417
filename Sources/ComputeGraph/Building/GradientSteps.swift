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

    /// The same gradient for several operands, each with its own shape.
    mutating func reduced(
        _ gradient: ValueID, toShapesOf operands: [ValueID]
    ) throws(GraphError) -> [ValueID?] {
        var gradients: [ValueID?] = []
        for operand in operands { gradients.append(try reduced(gradient, toShapeOf: operand)) }
        return gradients
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

    /// A number as a constant of the element type of another value.
    mutating func number(_ number: Double, like other: ValueID) -> ValueID {
        constant("number", .scalar(number, type(of: other).element))
    }

    /// A gradient where a condition holds, else 0.
    mutating func kept(_ gradient: ValueID, where condition: ValueID) throws(GraphError) -> ValueID {
        try add(Where(), [condition, gradient, number(0, like: gradient)])
    }
}
