/// A cache with an update put in along one axis, for each sequence of a batch from its own place on.
///
/// Inputs: the cache, the update, and if they are not all 0 the places. What would lie beyond the end of the cache is
/// left out, or with `isCircular` goes on at its start.
package struct TensorScatter: MovementOperator {
    package static let name = "TensorScatter"
    package var axis: Int
    package var isCircular: Bool

    package init(axis: Int = -2, isCircular: Bool = false) {
        self.axis = axis
        self.isCircular = isCircular
    }

    package func outputTypes(of inputs: [TensorType]) throws(GraphError) -> [TensorType] {
        try requireInputs(inputs, 2...3)
        let (cache, update) = (inputs[0], inputs[1])
        let axis = try resolvedAxis(axis, rank: cache.shape.rank)
        try require(axis > 0, "the axis is not that of the batch, which is the first")
        try require(
            cache.element == update.element && cache.shape.rank == update.shape.rank
                && cache.shape.without([axis]) == update.shape.without([axis]),
            "\(cache) and \(update) differ in more than axis \(axis)")
        try require(update.shape[axis] <= cache.shape[axis], "\(update) is longer than \(cache)")
        if inputs.count == 3 {
            try requireIndices(inputs[2])
            try requireShape(inputs[2], [cache.shape[0]], "the tensor of places")
        }
        return [cache]
    }

    package func reference(_ inputs: [HostTensor]) -> [HostTensor] {
        let (cache, update) = (inputs[0].type.shape, inputs[1].type.shape)
        guard update.count > 0 else { return [inputs[0]] }
        let axis = axis < 0 ? axis + cache.rank : axis
        let places = inputs.count == 3 ? inputs[2].indices : [Int](repeating: 0, count: cache[0])
        var strides = cache.strides
        let stride = strides[axis]
        strides[axis] = 0
        let bases = OffsetGrid(update, strides: strides).offsets
        let view = AxisView(update, axis: axis)
        let perSequence = update.count / update[0]
        let targets = bases.indices.map { index in
            let place = self.place(
                places[index / perSequence], index / view.inner % view.length, extent: cache[axis])
            return place.map { bases[index] + $0 * stride } ?? -1
        }
        return [inputs[0].replacing(inputs[1], at: OffsetGrid([targets]))]
    }

    /// The place in the cache of an element of the update, or nil beyond its end.
    private func place(_ start: Int, _ step: Int, extent: Int) -> Int? {
        if isCircular {
            let place = (start % extent + step) % extent
            return place < 0 ? place + extent : place
        }
        return start >= 0 && start < extent - step ? start + step : nil
    }
}

extension TensorScatter: ModelOperator {
    package static let schema = OperatorSchema(
        "TensorScatter", since: 24,
        "A cache with an update put in, for each sequence of a batch at its own place.",
        inputs: [
            .required("past_cache", .tensors, "the batch first, and an axis of places"),
            .required("update", .tensors, "the shape of the cache, with no more places"),
            .optional("write_indices", .int64, "for each sequence its first place; without it 0"),
        ],
        outputs: [.required("present_cache", .tensors, "the shape of the cache")],
        attributes: [
            .int("axis", -2, "the axis of places"),
            .string("mode", "linear", "linear, or circular: what lies beyond the end goes on at the start"),
        ])

    package func written(inputs: [TensorType], outputs: [TensorType]) -> WrittenCall? {
        WrittenCall(
            Self.schema, ["axis": .int(axis), "mode": .string(isCircular ? "circular" : "linear")],
            operands: inputs)
    }

    package static func build(_ call: OperatorCall, in graph: inout GraphBuilder) throws -> [GraphValue] {
        let mode = try call.string("mode")
        try call.require(mode == "linear" || mode == "circular", "it has no mode \(mode)")
        let scatter = TensorScatter(axis: try call.int("axis"), isCircular: mode == "circular")
        let places = try call.optional(2).map { [$0] } ?? []
        return [.tensor(try graph.addForAny(scatter, [call.input(0), call.input(1)] + places))]
    }
}
