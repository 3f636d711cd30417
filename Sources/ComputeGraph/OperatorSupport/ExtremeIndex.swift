/// An operator that tells where along an axis the largest or the smallest element lies: `ArgMax`, `ArgMin`.
package protocol ExtremeIndexOperator: Operator {
    var axis: Int { get }
    /// Whether the axis stays, with the extent 1.
    var keepDims: Bool { get }
    /// Of several, whether the last is told, or the first.
    var selectsLast: Bool { get }
    static var findsLargest: Bool { get }

    init(axis: Int, keepDims: Bool, selectsLast: Bool)
}

extension ExtremeIndexOperator {
    package func outputTypes(of inputs: [TensorType]) throws(GraphError) -> [TensorType] {
        try requireInputs(inputs, 1)
        try requireCommon([.numbers, .smallFloats, .smallIntegers, .bool], inputs)
        let shape = inputs[0].shape
        let axis = try resolvedAxis(axis, rank: shape.rank)
        try require(shape[axis] > 0, "axis \(axis) of \(shape) has no elements")
        return [TensorType(.int64, keepDims ? shape.reduced(along: [axis]) : shape.without([axis]))]
    }

    package func reference(_ inputs: [HostTensor]) -> [HostTensor] {
        let type = knownOutputTypes(inputs)[0]
        guard type.shape.count > 0 else { return [HostTensor(zeros: type)] }
        let places = inputs[0].extremePlaces(
            along: axis, findsLargest: Self.findsLargest, selectsLast: selectsLast)
        return [HostTensor(type, integers: places.map(Int64.init))]
    }

    package func exactness(for inputs: [TensorType]) -> Exactness { .exact }
    package func floatingPointOperations(inputs: [TensorType], outputs: [TensorType]) -> Int {
        inputs[0].shape.count
    }

    package func written(inputs: [TensorType], outputs: [TensorType]) -> WrittenCall? {
        guard let schema = (Self.self as? any ModelOperator.Type)?.schema else { return nil }
        return WrittenCall(
            schema, since: 12,
            [
                "axis": .int(axis), "keepdims": .flag(keepDims), "select_last_index": .flag(selectsLast),
            ], operands: inputs)
    }

    /// The node of a call, for the operators that models know.
    package static func buildExtreme(
        _ call: OperatorCall, in graph: inout GraphBuilder
    ) throws -> [GraphValue] {
        let extreme = try Self(
            axis: call.int("axis"), keepDims: call.flag("keepdims"),
            selectsLast: call.flag("select_last_index"))
        return [.tensor(try graph.add(extreme, [call.input(0)]))]
    }
}

extension HostTensor {
    /// Where along the axis the largest or smallest element of each row lies; a NaN is both.
    func extremePlaces(along axis: Int, findsLargest: Bool, selectsLast: Bool = false) -> [Int] {
        let view = AxisView(type.shape, axis: axis)
        let keys = orderKeys(nanIsLowest: !findsLargest)
        var places: [Int] = []
        view.forEachRow { start in
            var best = 0
            var bestKey = keys[start]
            for place in 0..<view.length {
                let key = keys[start + place * view.inner]
                let isBetter = findsLargest ? key > bestKey : key < bestKey
                if isBetter || selectsLast && key == bestKey { (best, bestKey) = (place, key) }
            }
            places.append(best)
        }
        return places
    }
}

extension OperatorSchema {
    static func extremeIndex(_ name: String, _ word: String) -> OperatorSchema {
        OperatorSchema(
            name, "Where along an axis the \(word) element lies.",
            inputs: [.required("data", .numbers, "at least one axis")],
            outputs: [.required("reduced", .int64, "the shape of data with the extent 1 along the axis")],
            attributes: [
                .int("axis", 0, "the axis; a negative one counts from the last"),
                .int("keepdims", 1, "whether the axis stays"),
                .int("select_last_index", 0, "from version 12: whether of several the last is told"),
            ])
    }
}
