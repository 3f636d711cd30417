/// Each example's values as a map from class labels.
package enum ZipMap: ModelOperator {
    package static let schema = OperatorSchema(
        "ZipMap", domain: .machineLearning, "Each example's values as a map from class labels.",
        inputs: [.required("X", .float32, "[N, C], or [C] for one example")],
        outputs: [.required("Z", .sequence, "N maps from labels to float32")],
        attributes: [
            .ints("classlabels_int64s", nil, "the C keys, where they are integers"),
            .strings("classlabels_strings", nil, "the C keys, where they are strings; one of both is given"),
        ])

    package static func build(_ call: OperatorCall, in graph: inout GraphBuilder) throws -> [GraphValue] {
        let input = try call.input(0)
        let shape = graph.type(of: input).shape
        let numbers = try call.optionalInts("classlabels_int64s") ?? []
        let names = try call.optionalStrings("classlabels_strings") ?? []
        try call.require(
            numbers.isEmpty != names.isEmpty, "one of the attributes classlabels_... holds the keys")
        let count = max(numbers.count, names.count)
        try call.require(
            Set(numbers).count + Set(names).count == count, "a class label is given twice")
        guard let rows = FeatureRows(shape), rows.features == count else {
            throw call.error("\(count) labels do not fit the shape \(shape)")
        }
        let keys =
            numbers.isEmpty
            ? HostTensor(TensorType(.string, [count]), strings: names)
            : HostTensor(.int64(count), integers: numbers.map(Int64.init))
        let values = try graph.tensor(input).floats
        let maps = (0..<rows.count).map { row in
            GraphValue.map(
                HostMap(keys: keys, values: (0..<count).map { .scalar(values[row * count + $0]) }))
        }
        let type = ValueType.map(key: keys.type.element, value: .tensor(.float32, shape: []))
        return [.sequence(maps, of: type)]
    }
}
