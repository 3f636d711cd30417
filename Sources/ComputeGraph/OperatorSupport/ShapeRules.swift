/// The checks that shape rules are made of.
///
/// Each throws one sentence that names the operator, what was given and what it wants.
extension Operator {
    func mismatch(_ reason: String) -> GraphError { .shapeMismatch(operator: Self.name, reason: reason) }

    func require(_ holds: Bool, _ reason: @autoclosure () -> String) throws(GraphError) {
        if !holds { throw mismatch(reason()) }
    }

    func requireInputs(_ inputs: [TensorType], _ count: Int) throws(GraphError) {
        try requireInputs(inputs, count...count)
    }

    func requireInputs(_ inputs: [TensorType], _ counts: ClosedRange<Int>) throws(GraphError) {
        let wanted =
            counts.count == 1 ? "\(counts.lowerBound)" : "\(counts.lowerBound) to \(counts.upperBound)"
        try require(counts.contains(inputs.count), "takes \(wanted) inputs, not \(inputs.count)")
    }

    /// The one floating type of all inputs.
    @discardableResult
    func requireFloating(_ inputs: some Sequence<TensorType>) throws(GraphError) -> ElementType {
        var common: ElementType?
        for input in inputs {
            try require(input.element.isFloating, "computes on float32 or float64, not \(input)")
            try require(
                common == nil || common == input.element,
                "its inputs share one element type; here are both \(common ?? input.element) and \(input.element)"
            )
            common = input.element
        }
        return common ?? .float32
    }

    func requireIndices(_ type: TensorType) throws(GraphError) {
        try require(
            type.element == .int64 || type.element == .int32, "indices are int64 or int32, not \(type)")
    }

    func requireRank(_ type: TensorType, _ rank: Int, _ what: String) throws(GraphError) {
        try require(type.shape.rank == rank, "\(what) has \(rank) axes, not the shape \(type.shape)")
    }

    func requireShape(_ type: TensorType, _ shape: Shape, _ what: String) throws(GraphError) {
        try require(type.shape == shape, "\(what) has the shape \(shape), not \(type.shape)")
    }

    func requireScalar(_ type: TensorType, _ what: String) throws(GraphError) {
        try require(type.shape.count == 1 && type.shape.rank <= 1, "\(what) is one number, not \(type)")
    }

    /// The shape that all inputs take together by NumPy's broadcasting rule.
    func requireBroadcast(_ inputs: [TensorType]) throws(GraphError) -> Shape {
        var shape: Shape = []
        for input in inputs {
            guard let wider = shape.broadcast(with: input.shape) else {
                throw mismatch(
                    "the shapes \(shape) and \(input.shape) do not broadcast: "
                        + "counted from the last axis, extents must be equal or 1")
            }
            shape = try Shape(checking: wider.extents)
        }
        return shape
    }

    /// The axis counted from the front; a negative one counts from the back.
    func resolvedAxis(_ axis: Int, rank: Int) throws(GraphError) -> Int {
        try require(
            axis >= -rank && axis < rank, "axis \(axis) is not in a tensor of \(rank) axes")
        return axis < 0 ? axis + rank : axis
    }

    /// The axes counted from the front, in rising order; none means all.
    func resolvedAxes(_ axes: [Int], rank: Int) throws(GraphError) -> [Int] {
        if axes.isEmpty { return Array(0..<rank) }
        var resolved: [Int] = []
        for axis in axes { resolved.append(try resolvedAxis(axis, rank: rank)) }
        try require(Set(resolved).count == axes.count, "an axis is named twice in \(axes)")
        return resolved.sorted()
    }

    /// The output types of inputs that a graph has checked before.
    func knownOutputTypes(_ inputs: [HostTensor]) -> [TensorType] {
        do {
            return try outputTypes(of: inputs.map(\.type))
        } catch {
            preconditionFailure("\(Self.name) was run on inputs that its shape rule refuses: \(error)")
        }
    }
}

/// A tensor seen as rows along one axis: `outer` blocks of `length` elements that lie `inner` apart.
package struct AxisView: Sendable {
    package let outer: Int
    package let length: Int
    package let inner: Int

    /// `axis` counts from the front, or from the back where negative.
    package init(_ shape: Shape, axis: Int) {
        let axis = axis < 0 ? axis + shape.rank : axis
        outer = shape.extents[..<axis].reduce(1, *)
        length = shape[axis]
        inner = shape.extents[(axis + 1)...].reduce(1, *)
    }

    /// Calls the body with the index of each row's first element.
    func forEachRow(_ body: (Int) -> Void) {
        for block in 0..<outer {
            for offset in 0..<inner { body(block * length * inner + offset) }
        }
    }
}

extension Shape {
    /// The coordinates of the element at a flat index.
    func coordinates(of index: Int) -> [Int] {
        var rest = index
        var result = extents
        for axis in extents.indices.reversed() {
            result[axis] = rest % extents[axis]
            rest /= extents[axis]
        }
        return result
    }

    /// The strides with which this shape is read as the larger `shape`: 0 along axes that are repeated.
    package func strides(broadcastTo shape: Shape) -> [Int] {
        let missing = shape.rank - rank
        let own = strides
        return shape.extents.indices.map { axis in
            axis < missing || extents[axis - missing] == 1 ? 0 : own[axis - missing]
        }
    }

    /// The axes of `shape` along which this one is repeated to fill it.
    package func repeatedAxes(in shape: Shape) -> [Int] {
        let missing = shape.rank - rank
        return shape.extents.indices.filter { axis in
            axis < missing || (extents[axis - missing] == 1 && shape[axis] != 1)
        }
    }
}

/// The flat index into an operand for each element of the result, in row-major order.
func broadcastIndices(of operand: Shape, in result: Shape) -> [Int] {
    if result.count == 0 { return [] }
    if operand == result { return Array(0..<result.count) }
    if result.count == 0 { return [] }
    let strides = operand.strides(broadcastTo: result)
    var indices = [0]
    for axis in result.extents.indices {
        var wider: [Int] = []
        wider.reserveCapacity(indices.count * result[axis])
        for base in indices {
            for step in 0..<result[axis] { wider.append(base + step * strides[axis]) }
        }
        indices = wider
    }
    return indices
}
