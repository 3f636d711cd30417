/// A value that is part of the model.
package enum Constant: ModelOperator {
    package static let schema = OperatorSchema(
        "Constant", "A value that is part of the model; one attribute gives it.",
        inputs: [], outputs: [.required("output", .tensors, "the value")],
        attributes: [
            .tensor("value", "a tensor"),
            .tensor("sparse_value", "from version 11: a tensor that was written without its zeros"),
            .int("value_int", nil, "from version 12: one int64"),
            .ints("value_ints", nil, "from version 12: one axis of int64"),
            .float("value_float", nil, "from version 12: one float32"),
            .floats("value_floats", nil, "from version 12: one axis of float32"),
            .string("value_string", nil, "from version 12: one string"),
            .strings("value_strings", nil, "from version 12: one axis of strings"),
        ])

    package static func build(_ call: OperatorCall, in graph: inout GraphBuilder) throws -> [GraphValue] {
        let given = schema.attributes.filter { call.has($0.name) }
        try call.require(given.count == 1, "one attribute gives the value, not \(given.count)")
        guard let tensor = try value(call) else { throw call.error("the value is missing") }
        return [.tensor(graph.constant(tensor))]
    }

    private static func value(_ call: OperatorCall) throws -> HostTensor? {
        if let tensor = try call.optionalTensor("value") ?? call.optionalTensor("sparse_value") {
            return tensor
        }
        if let value = try call.optionalInt("value_int") {
            return HostTensor(.int64(), integers: [Int64(value)])
        }
        if let values = try call.optionalInts("value_ints") {
            return HostTensor(.int64(values.count), integers: values.map(Int64.init))
        }
        if let value = try call.optionalFloat("value_float") { return .scalar(Float(value)) }
        if let values = try call.optionalFloats("value_floats") {
            return HostTensor(.float32(values.count), floats: values.map { Float($0) })
        }
        if let value = try call.optionalString("value_string") {
            return HostTensor(TensorType(.string, []), strings: [value])
        }
        return try call.optionalStrings("value_strings").map {
            HostTensor(TensorType(.string, [$0.count]), strings: $0)
        }
    }
}
