/// The values of a map in the order of a list of keys, as one row; 0 or "" where the map lacks a key.
///
/// Keys that are not in the list are left out, as the programs do that such models come from.
package enum DictVectorizer: ModelOperator {
    package static let schema = OperatorSchema(
        "DictVectorizer", domain: .machineLearning, "The values of a map in the order of a list of keys.",
        inputs: [.required("X", .map, "a map from integers or strings to numbers or strings")],
        outputs: [
            .required("Y", [.features, .string], "[1, keys]: 0 or an empty string where X lacks a key")
        ],
        attributes: [
            .ints("int64_vocabulary", nil, "the keys, where they are integers"),
            .strings("string_vocabulary", nil, "the keys, where they are strings; one of both is given"),
        ])

    package static func build(_ call: OperatorCall, in graph: inout GraphBuilder) throws -> [GraphValue] {
        let map = try call.map(0)
        let numbers = try call.optionalInts("int64_vocabulary") ?? []
        let names = try call.optionalStrings("string_vocabulary") ?? []
        try call.require(
            numbers.isEmpty != names.isEmpty, "one of int64_vocabulary and string_vocabulary holds the keys")
        try call.require(
            (map.keys.type.element == .string) == numbers.isEmpty,
            "the keys of the map are \(map.keys.type.element), and those of the list are not")
        let values = try call.scalars(of: map)
        let places =
            numbers.isEmpty
            ? call.places(of: map.keys.strings, in: names)
            : call.places(of: map.keys.integers, in: numbers.map(Int64.init))
        let type = TensorType(values.type.element, [1, max(numbers.count, names.count)])
        return [.tensor(graph.constant(values.moved(to: type) { places[$0] }))]
    }
}

extension OperatorCall {
    /// The map of an input that must be one.
    func map(_ index: Int) throws(GraphError) -> HostMap {
        guard case .map(let map) = try value(index) else {
            throw error("the input \(schema.inputName(index)) is not a map")
        }
        return map
    }

    /// The values of a map, each one number or string, as one list.
    func scalars(of map: HostMap) throws(GraphError) -> HostTensor {
        let element = map.values.first?.type.element ?? .float32
        for value in map.values {
            try require(
                value.type.element == element && value.type.shape.count == 1,
                "the values of the map are one \(element) each, and one is \(value.type)")
        }
        let type = TensorType(element, [map.values.count])
        if element == .string { return HostTensor(type, strings: map.values.flatMap(\.strings)) }
        try require(element.isFloating || element.isInteger, "the values of the map are \(element)")
        if element.isFloating { return HostTensor(type, doubles: map.values.flatMap(\.doubles)) }
        return HostTensor(type, wrapping: map.values.flatMap(\.wholes))
    }

    /// For each key of the list its place among the keys of a map.
    fileprivate func places<Key: Hashable>(of keys: [Key], in list: [Key]) -> [Int?] {
        let places = Dictionary(zip(keys, keys.indices), uniquingKeysWith: { _, last in last })
        return list.map { places[$0] }
    }
}
