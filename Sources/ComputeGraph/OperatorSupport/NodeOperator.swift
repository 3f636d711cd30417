/// An operator that a call in a model becomes as one node over all its inputs.
///
/// Its name is that of its schema, and where the schema's only output is bool, so is its result.
package protocol NodeOperator: Operator, ModelOperator {
    /// Takes the attributes of a call.
    init(_ call: OperatorCall) throws
}

extension NodeOperator {
    package static var name: String { schema.name }

    package static func build(_ call: OperatorCall, in graph: inout GraphBuilder) throws -> [GraphValue] {
        let outputs = try graph.addNode(try Self(call), try call.allInputs())
        return outputs.map(GraphValue.tensor)
    }

    package func exactness(for inputs: [TensorType]) -> Exactness {
        Self.resultElement(for: inputs[0].element).isFloating ? .rounding : .exact
    }

    static func resultElement(for element: ElementType) -> ElementType {
        schema.outputs[0].types == .bool ? .bool : element
    }

    /// The one element type of all inputs, which the schema's first input must have.
    func requireOperands(_ inputs: [TensorType]) throws(GraphError) -> ElementType {
        guard let first = inputs.first else { throw mismatch("takes at least one input") }
        for input in inputs {
            try require(Self.schema.inputs[0].types.contains(input.element), "cannot compute on \(input)")
            try require(
                input.element == first.element,
                "its inputs share one element type; here are both \(first.element) and \(input.element)")
        }
        return first.element
    }
}

/// A node operator that has no attributes.
package protocol PlainOperator: NodeOperator {
    init()
}

extension PlainOperator {
    package init(_ call: OperatorCall) { self.init() }
}
