/// A list of strings without stop words, and in one case if wanted.
///
/// Cases are Unicode's, whatever the locale.
package enum StringNormalizer: ModelOperator {
    package static let schema = OperatorSchema(
        "StringNormalizer", since: 10, "A list of strings without stop words, and in one case if wanted.",
        inputs: [.required("X", .string, "[count] or [1, count]")],
        outputs: [
            .required("Y", .string, "[left] or [1, left]; a single empty string where nothing is left")
        ],
        attributes: [
            .string(
                "case_change_action", "NONE",
                "LOWER, UPPER or NONE: what becomes of the strings that are left"),
            .int("is_case_sensitive", 0, "whether a stop word must agree in case"),
            .string("locale", nil, "not looked at: cases are Unicode's"),
            .strings("stopwords", nil, "the strings to leave out"),
        ])

    package static func build(_ call: OperatorCall, in graph: inout GraphBuilder) throws -> [GraphValue] {
        let tensor = try call.texts(0, in: &graph)
        let shape = tensor.type.shape
        try call.require(
            shape.rank == 1 || shape.rank == 2 && shape[0] == 1, "takes [count] or [1, count], not \(shape)")
        let isSensitive = try call.flag("is_case_sensitive")
        let key = { (text: String) in ExactText(isSensitive ? text : text.lowercased()) }
        let stops = Set((try call.optionalStrings("stopwords") ?? []).map(key))
        var left = tensor.strings.filter { !stops.contains(key($0)) }
        switch try call.string("case_change_action") {
        case "LOWER": left = left.map { $0.lowercased() }
        case "UPPER": left = left.map { $0.uppercased() }
        case "NONE": break
        case let action: throw call.error("case_change_action is LOWER, UPPER or NONE, not \(action)")
        }
        if left.isEmpty { left = [""] }
        let result = Shape(shape.rank == 1 ? [left.count] : [1, left.count])
        return [.tensor(graph.constant(HostTensor(TensorType(.string, result), strings: left)))]
    }
}
