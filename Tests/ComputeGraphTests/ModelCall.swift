import ComputeGraph
import Testing

/// One call of an operator as a model file would make it, run by references.
struct ModelCall: Sendable, CustomStringConvertible {
    var name: String
    var domain: OperatorSchema.Domain
    var version: Int
    var inputs: [Input]
    var attributes: [String: Attribute]
    var description: String { name }

    enum Input: Sendable {
        /// Known only when the model runs.
        case tensor(HostTensor)
        case map(HostMap)
    }

    init(
        _ name: String, in domain: OperatorSchema.Domain = .machineLearning, version: Int = 5,
        _ inputs: [HostTensor], _ attributes: [String: Attribute] = [:]
    ) {
        self.name = name
        self.domain = domain
        self.version = version
        self.inputs = inputs.map { .tensor($0) }
        self.attributes = attributes
    }

    init(_ name: String, map: HostMap, _ attributes: [String: Attribute] = [:]) {
        self.init(name, [], attributes)
        inputs = [.map(map)]
    }

    /// The outputs as the builder gives them, and the builder that can tell their values.
    func build() throws -> (values: [GraphValue], builder: GraphBuilder) {
        let type = try #require(ModelOperatorRegistry()[name, domain])
        var builder = GraphBuilder(evaluator: ReferenceEvaluator())
        var values: [GraphValue] = []
        for (index, input) in inputs.enumerated() {
            switch input {
            case .tensor(let tensor): values.append(.tensor(builder.input("input \(index)", given: tensor)))
            case .map(let map): values.append(.map(map))
            }
        }
        let call = OperatorCall(
            schema: type.schema, node: name, version: version, attributes: attributes, inputs: values,
            wantedOutputs: type.schema.outputs.map { _ in true })
        return (try type.checkedBuild(call, in: &builder), builder)
    }

    /// The outputs, all of them tensors.
    func run() throws -> [HostTensor] {
        var (values, builder) = try build()
        let ids = try values.map { value in
            guard case .tensor(let id) = value else {
                throw GraphError.failed("\(name) gives \(value.kind).")
            }
            return id
        }
        return try builder.tensors(ids)
    }
}

private struct ReferenceEvaluator: GraphEvaluator {
    func run(_ graph: Graph, inputs: [HostTensor]) throws -> [HostTensor] {
        try ReferenceInterpreter.run(graph, inputs: inputs)
    }
}

func expectEqual(
    _ found: [HostTensor], _ wanted: [HostTensor], _ exactness: Exactness = .rounding,
    sourceLocation: SourceLocation = #_sourceLocation
) {
    #expect(found.map(\.type) == wanted.map(\.type), sourceLocation: sourceLocation)
    guard found.map(\.type) == wanted.map(\.type) else { return }
    for (one, other) in zip(found, wanted) {
        if one.type.element == .string {
            #expect(one.strings == other.strings, sourceLocation: sourceLocation)
        } else {
            #expect(
                exactness.firstDifference(one, from: other) == nil, "\(one.doubles) is not \(other.doubles)",
                sourceLocation: sourceLocation)
        }
    }
}
