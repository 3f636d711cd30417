/// The name that `ScatterElements` had before version 11.
package enum Scatter: ModelOperator {
    package static let schema = OperatorSchema(
        "Scatter", since: 9, "A tensor with elements put in one by one; the old name of ScatterElements.",
        inputs: [
            .required("data", .tensors, "at least one axis"),
            .required("indices", .indices, "as many axes"),
            .required("updates", .tensors, "the elements to put in, of the shape of the indices"),
        ],
        outputs: [.required("output", .tensors, "the shape of data")],
        attributes: [.int("axis", 0, "the axis that the indices count along")])

    package static func build(_ call: OperatorCall, in graph: inout GraphBuilder) throws -> [GraphValue] {
        let scatter = ScatterElements(axis: try call.int("axis"))
        return [.tensor(try graph.addForAny(scatter, call.allInputs()))]
    }
}
