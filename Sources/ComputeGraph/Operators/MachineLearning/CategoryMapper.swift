/// Strings to integers, or integers to strings, by a table.
package enum CategoryMapper: ModelOperator {
    package static let schema = OperatorSchema(
        "CategoryMapper", domain: .machineLearning,
        "Strings to integers, or integers to strings, by a table.",
        inputs: [.required("X", [.string, .int64], "any shape")],
        outputs: [.required("Y", [.string, .int64], "the shape of X, of the other type")],
        attributes: [
            .ints("cats_int64s", nil, "the integers of the table"),
            .strings("cats_strings", nil, "the strings of the table, as many"),
            .int("default_int64", -1, "what strings outside the table become"),
            .string("default_string", "_Unused", "what integers outside the table become"),
        ])

    package static func build(_ call: OperatorCall, in graph: inout GraphBuilder) throws -> [GraphValue] {
        let input = try call.input(0)
        let numbers = try call.ints("cats_int64s").map { LabelEncoder.Label.whole(Int64($0)) }
        let names = try call.strings("cats_strings").map { LabelEncoder.Label.text($0) }
        let encoder =
            graph.type(of: input).element == .string
            ? LabelEncoder(
                keys: names, values: numbers, defaultValue: .whole(Int64(try call.int("default_int64"))),
                keyElement: .string, valueElement: .int64)
            : LabelEncoder(
                keys: numbers, values: names, defaultValue: .text(try call.string("default_string")),
                keyElement: .int64, valueElement: .string)
        return [try graph.encode(input, by: encoder)]
    }
}
