/// The largest or smallest elements along an axis, in order, and where they lie.
///
/// Of equal elements the one with the lower index comes first. A NaN is larger than all numbers.
package struct TopK: MovementOperator {
    package static let name = "TopK"
    package var count: Int
    package var axis: Int
    package var findsLargest: Bool

    package init(count: Int, axis: Int = -1, findsLargest: Bool = true) {
        self.count = count
        self.axis = axis
        self.findsLargest = findsLargest
    }

    package func outputTypes(of inputs: [TensorType]) throws(GraphError) -> [TensorType] {
        try requireInputs(inputs, 1)
        try requireCommon([.numbers, .smallFloats, .smallIntegers, .bool, .string], inputs)
        let axis = try resolvedAxis(axis, rank: inputs[0].shape.rank)
        var extents = inputs[0].shape.extents
        try require(
            count >= 0 && count <= extents[axis],
            "axis \(axis) of \(inputs[0].shape) does not have \(count) elements")
        extents[axis] = count
        return [TensorType(inputs[0].element, Shape(extents)), TensorType(.int64, Shape(extents))]
    }

    package func reference(_ inputs: [HostTensor]) -> [HostTensor] {
        let types = knownOutputTypes(inputs)
        guard types[0].shape.count > 0 else { return types.map(HostTensor.init(zeros:)) }
        let view = AxisView(inputs[0].type.shape, axis: axis)
        let keys = inputs[0].orderKeys()
        var offsets = [Int](repeating: 0, count: types[0].shape.count)
        var places = [Int64](repeating: 0, count: offsets.count)
        var row = 0
        view.forEachRow { start in
            let target = row / view.inner * count * view.inner + row % view.inner
            for (rank, place) in best(of: keys, view, from: start).enumerated() {
                offsets[target + rank * view.inner] = start + place * view.inner
                places[target + rank * view.inner] = Int64(place)
            }
            row += 1
        }
        let values = inputs[0].moved(to: types[0], by: OffsetGrid([offsets]))
        return [values, HostTensor(types[1], integers: places)]
    }

    /// The places along one row of the elements that are asked for.
    private func best(of keys: [Int64], _ view: AxisView, from start: Int) -> ArraySlice<Int> {
        let row = (0..<view.length).map { keys[start + $0 * view.inner] }
        let sorted = row.indices.sorted {
            row[$0] == row[$1] ? $0 < $1 : (row[$0] > row[$1]) == findsLargest
        }
        return sorted.prefix(count)
    }
}

extension TopK: ModelOperator {
    package static let schema = OperatorSchema(
        "TopK", "The largest or smallest elements along an axis, in order, and where they lie.",
        inputs: [
            .required("X", .numbers, "at least one axis"),
            .optional("K", .int64, "from version 10: one number: how many elements"),
        ],
        outputs: [
            .required("Values", .numbers, "the shape of X with the extent K along the axis"),
            .required("Indices", .int64, "where along the axis they lie, of the same shape"),
        ],
        attributes: [
            .int("axis", -1, "the axis; a negative one counts from the last"),
            .int("largest", 1, "from version 11: whether the largest are asked for, or the smallest"),
            .int("sorted", 1, "from version 11: whether they must be in order; they always are"),
            .int("k", nil, "before version 10: how many elements"),
        ])

    package func written(inputs: [TensorType], outputs: [TensorType]) -> WrittenCall? {
        WrittenCall(
            Self.schema, since: inputs[0].element == .bfloat16 ? 24 : 11,
            ["axis": .int(axis), "largest": .flag(findsLargest)], operands: inputs, [.integers([count])])
    }

    package static func build(_ call: OperatorCall, in graph: inout GraphBuilder) throws -> [GraphValue] {
        let count = call.version < 10 ? try call.int("k") : try call.integer(1, in: &graph)
        let top = try TopK(count: count, axis: call.int("axis"), findsLargest: call.flag("largest"))
        return try graph.addNode(top, [call.input(0)]).map { .tensor($0) }
    }
}
