/// Whether each string matches a regular expression of RE2's syntax from end to end.
package enum RegexFullMatch: ModelOperator {
    package static let schema = OperatorSchema(
        "RegexFullMatch", since: 20, "Whether each string matches a regular expression from end to end.",
        inputs: [.required("X", .string, "any shape")],
        outputs: [.required("Y", .bool, "the shape of X")],
        attributes: [
            .string("pattern", nil, "the expression in RE2's syntax; scripts of Unicode are not known")
                .required
        ])

    package static func build(_ call: OperatorCall, in graph: inout GraphBuilder) throws -> [GraphValue] {
        let tensor = try call.texts(0, in: &graph)
        let matcher: RegexMatcher
        do {
            matcher = try RegexMatcher(pattern: call.string("pattern"))
        } catch let fault as RegexFault {
            throw call.error("the pattern \(fault.reason)")
        }
        let found = tensor.strings.map { matcher.matchesAll(of: $0) ? 1.0 : 0 }
        return [.tensor(graph.constant(HostTensor(TensorType(.bool, tensor.type.shape), doubles: found)))]
    }
}
