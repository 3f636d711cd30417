/// What `GatherElements` and `ScatterElements` share: an index along one axis for each element.
///
/// The other coordinates of an element are its own, so that the tensor of indices is no larger along other axes.
struct ElementIndices {
    /// The axis, counted from the front.
    let axis: Int

    /// The offset in a tensor of the shape that each index names; a negative one where it lies outside.
    func offsets(_ indices: HostTensor, in shape: Shape) -> [Int] {
        var strides = shape.strides
        let stride = strides[axis]
        strides[axis] = 0
        let bases = OffsetGrid(indices.type.shape, strides: strides).offsets
        return zip(bases, indices.indices).map { base, index in
            resolvedIndex(index, extent: shape[axis]).map { base + $0 * stride } ?? -1
        }
    }
}

extension Operator {
    /// Checks the indices of elements of `data` along an axis, and gives the axis from the front.
    @discardableResult
    func requireElementIndices(
        _ indices: TensorType, in data: TensorType, axis: Int
    ) throws(GraphError) -> Int {
        try requireIndices(indices)
        let axis = try resolvedAxis(axis, rank: data.shape.rank)
        try require(
            indices.shape.rank == data.shape.rank
                && data.shape.extents.indices.allSatisfy { $0 == axis || indices.shape[$0] <= data.shape[$0] },
            "indices of the shape \(indices.shape) reach beyond \(data.shape) along other axes than \(axis)")
        return axis
    }

    /// Checks coordinates along the last axis of `indices` into the axes of `data` from `batchAxes` on.
    ///
    /// Gives how many coordinates there are for each slice.
    func requireCoordinates(
        _ indices: TensorType, in data: TensorType, batchAxes: Int = 0
    ) throws(GraphError) -> Int {
        try requireIndices(indices)
        guard let count = indices.shape.extents.last else { throw mismatch("indices have at least one axis") }
        try require(
            batchAxes >= 0 && batchAxes < indices.shape.rank && batchAxes <= data.shape.rank,
            "\(batchAxes) axes of a batch are not in both \(data.shape) and \(indices.shape)")
        try require(
            indices.shape.extents[..<batchAxes] == data.shape.extents[..<batchAxes],
            "the first \(batchAxes) axes of \(data.shape) and \(indices.shape) differ")
        try require(
            count <= data.shape.rank - batchAxes,
            "\(count) coordinates are more than the axes of \(data.shape) after the first \(batchAxes)")
        return count
    }
}

extension HostTensor {
    /// For each tuple of coordinates along the last axis, where its slice of a tensor of the shape starts.
    ///
    /// A negative number stands for coordinates outside.
    func sliceOffsets(in shape: Shape, batchAxes: Int) -> [Int] {
        let strides = shape.strides
        let length = type.shape[type.shape.rank - 1]
        let tuples = type.shape.extents.dropLast().reduce(1, *)
        let batches = shape.extents[..<batchAxes].reduce(1, *)
        let batchStride = batchAxes == 0 ? 0 : strides[batchAxes - 1]
        let values = indices
        return (0..<tuples).map { tuple in
            var offset = tuple / max(tuples / max(batches, 1), 1) * batchStride
            for place in 0..<length {
                let axis = batchAxes + place
                guard let index = resolvedIndex(values[tuple * length + place], extent: shape[axis]) else {
                    return -1
                }
                offset += index * strides[axis]
            }
            return offset
        }
    }
}
