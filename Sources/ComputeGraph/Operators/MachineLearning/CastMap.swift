/// The values of a map by rising keys, as one row of another type.
package enum CastMap: ModelOperator {
    package static let schema = OperatorSchema(
        "CastMap", domain: .machineLearning, "The values of a map by rising keys, as one row.",
        inputs: [.required("X", .map, "a map from integers to numbers or strings")],
        outputs: [
            .required("Y", [.float32, .int64, .string], "[1, values], or [1, max_map] where it is sparse")
        ],
        attributes: [
            .string("cast_to", "TO_FLOAT", "TO_FLOAT, TO_INT64 or TO_STRING"),
            .string("map_form", "DENSE", "DENSE, or SPARSE: each value lies at the place that its key says"),
            .int("max_map", 1, "where it is sparse: the length of the row, above all keys"),
        ])

    package static func build(_ call: OperatorCall, in graph: inout GraphBuilder) throws -> [GraphValue] {
        let map = try call.map(0)
        try call.require(map.keys.type.element == .int64, "the keys are int64, not \(map.keys.type.element)")
        let keys = map.keys.integers
        let values = try converted(call.scalars(of: map), call)
        switch try call.string("map_form") {
        case "DENSE":
            let order = keys.indices.sorted { keys[$0] < keys[$1] }
            let type = TensorType(values.type.element, [1, order.count])
            return [.tensor(graph.constant(values.moved(to: type) { order[$0] }))]
        case "SPARSE":
            let width = try call.int("max_map")
            let type = TensorType(values.type.element, try Shape(checking: [1, width]))
            try graph.requireRoom(toMake: type, name: schema.name)
            for key in keys where key < 0 || key >= width {
                throw call.error("the key \(key) is no place in a row of \(width)")
            }
            let places = Dictionary(zip(keys, keys.indices), uniquingKeysWith: { _, last in last })
            return [.tensor(graph.constant(values.moved(to: type) { places[Int64($0)] }))]
        case let form: throw call.error("map_form is DENSE or SPARSE, not \(form)")
        }
    }

    private static func converted(_ values: HostTensor, _ call: OperatorCall) throws -> HostTensor {
        let shape = values.type.shape
        switch try call.string("cast_to") {
        case "TO_FLOAT": return HostTensor(TensorType(.float32, shape), doubles: try doubles(values, call))
        case "TO_INT64":
            if values.type.element.isInteger {
                return HostTensor(TensorType(.int64, shape), wrapping: values.wholes)
            }
            return HostTensor(TensorType(.int64, shape), doubles: try doubles(values, call))
        case "TO_STRING":
            let strings =
                switch values.type.element {
                case .string: values.strings
                case .float32: values.floats.map { "\($0)" }
                case let element where element.isInteger: values.wholes.map { "\($0)" }
                default: values.doubles.map { "\($0)" }
                }
            return HostTensor(TensorType(.string, shape), strings: strings)
        case let name: throw call.error("cast_to is TO_FLOAT, TO_INT64 or TO_STRING, not \(name)")
        }
    }

    private static func doubles(_ values: HostTensor, _ call: OperatorCall) throws -> [Double] {
        guard values.type.element == .string else { return values.doubles }
        return try values.strings.map { string in
            guard let number = Double(string) else { throw call.error("\(string) is no number") }
            return number
        }
    }
}
