/// A tensor of a given shape filled with one value.
package enum ConstantOfShape: ModelOperator {
    package static let schema = OperatorSchema(
        "ConstantOfShape", since: 9, "A tensor of a given shape filled with one value.",
        inputs: [.required("input", .int64, "one axis: the extents; none for one number")],
        outputs: [.required("output", .tensors, "the value, everywhere")],
        attributes: [.tensor("value", "one element; without it a zero of float32")])

    package static func build(_ call: OperatorCall, in graph: inout GraphBuilder) throws -> [GraphValue] {
        let shape = try Shape(checking: graph.integers(call.input(0)))
        let value = try call.optionalTensor("value") ?? .scalar(0)
        try call.require(value.type.shape.count == 1, "the value is one element, not \(value.type)")
        let element = graph.constant(value.reshaped(to: []))
        return [.tensor(try graph.addForAny(Expand(shape), [element]))]
    }
}
