/// The operators that models may call.
///
/// Each family keeps its list in a file of its own beside this one; a new operator is one line in its family's list.
package struct ModelOperatorRegistry: Sendable {
    private let types: [Key: any ModelOperator.Type]

    /// The operators of all families, and others that lie outside this module.
    package init(adding others: [any ModelOperator.Type] = []) {
        let all = ModelOperatorFamilies.all.flatMap { $0 } + others
        types = Dictionary(
            all.map { (Key(name: $0.schema.name, domain: $0.schema.domain), $0) },
            uniquingKeysWith: { first, _ in preconditionFailure("\(first.schema.name) is listed twice") })
    }

    /// All schemas, by domain and name.
    package var schemas: [OperatorSchema] {
        types.values.map { $0.schema }.sorted {
            ($0.domain.rawValue, $0.name) < ($1.domain.rawValue, $1.name)
        }
    }

    package subscript(name: String, domain: OperatorSchema.Domain) -> (any ModelOperator.Type)? {
        types[Key(name: name, domain: domain)]
    }

    private struct Key: Hashable {
        var name: String
        var domain: OperatorSchema.Domain
    }
}

/// The families of operators, one list each.
enum ModelOperatorFamilies {
    static let all: [[any ModelOperator.Type]] = [
        elementwise, types, movement, neural, sequential, machineLearning,
    ]
}

extension ModelOperator {
    /// Checks a call against the schema and builds it.
    package static func checkedBuild(
        _ call: OperatorCall, in graph: inout GraphBuilder
    ) throws -> [GraphValue] {
        try graph.noteCall()
        try call.checkInputs(graph)
        // A sequence is copied when it is changed, and a loop may change it very often.
        for case .sequence(let elements, _) in call.inputs { try graph.spend(elements.count) }
        let outputs = try build(call, in: &graph)
        let wanted = (call.wantedOutputs.lastIndex(of: true) ?? -1) + 1
        try call.require(
            outputs.count >= wanted, "it has \(outputs.count) outputs here, and the model uses \(wanted)")
        return outputs
    }
}

extension OperatorCall {
    fileprivate func checkInputs(_ graph: GraphBuilder) throws(GraphError) {
        let isOpen = schema.inputs.last?.presence == .variadic
        try require(
            isOpen || inputs.count <= schema.inputs.count,
            "takes at most \(schema.inputs.count) inputs, not \(inputs.count)")
        for (index, parameter) in schema.inputs.enumerated() where parameter.presence == .required {
            _ = index
            _ = try value(index)
        }
        for (index, input) in inputs.enumerated() {
            guard let input else { continue }
            let parameter = schema.inputs[min(index, schema.inputs.count - 1)]
            try check(input, parameter.types, schema.inputName(index), graph)
        }
        for parameter in schema.attributes where parameter.isRequired {
            try require(has(parameter.name), "the attribute \(parameter.name) is missing")
        }
    }

    private func check(
        _ value: GraphValue, _ types: TypeSet, _ name: String, _ graph: GraphBuilder
    ) throws(GraphError) {
        switch value {
        case .tensor(let id):
            let type = graph.type(of: id)
            try require(types.contains(type.element), "the input \(name) cannot be \(type)")
        case .sequence: try require(types.contains(.sequence), "the input \(name) cannot be a sequence")
        case .optional: try require(types.contains(.optional), "the input \(name) cannot be an optional")
        case .map: try require(types.contains(.map), "the input \(name) cannot be a map")
        }
    }
}
