internal import ComputeGraph
internal import Essentials

/// What stays the same while the graphs of one model are built.
struct BuildingContext: Sendable {
    let registry: ModelOperatorRegistry
    var functions: [FunctionName: ModelFunction]
    /// Of the graph or function that is being built.
    var versions: OperatorSets
    /// Attributes of the call of the function that is being built.
    var functionAttributes: [String: Attribute] = [:]
    /// How many functions and subgraphs lie around.
    var depth = 0

    /// Deeper models are refused: they hold themselves, or mean harm.
    static let maximalDepth = 64

    struct FunctionName: Hashable {
        var domain: String
        var name: String
        var overload: String
    }

    func deeper(_ what: String) throws -> BuildingContext {
        var inner = self
        inner.depth += 1
        guard inner.depth <= Self.maximalDepth else {
            throw ONNXError.malformed(
                what: what, reason: "functions and subgraphs are nested more than \(Self.maximalDepth) deep")
        }
        return inner
    }
}

/// What each name stands for at one place of a model.
typealias NamedValues = [String: GraphValue]

extension ModelGraph {
    /// Adds all nodes and returns the outputs.
    ///
    /// `names` holds what the graphs around say; the graph's inputs hide them.
    func build(
        inputs given: [GraphValue?], names outer: NamedValues, context: BuildingContext,
        in builder: inout GraphBuilder
    ) throws -> [GraphValue] {
        // The names are copied, and a loop builds its graph very often.
        try builder.spend(outer.count)
        var names = outer
        for (name, tensor) in initializers { names[name] = .tensor(builder.constant(name, tensor)) }
        for (input, value) in zip(inputs, given) {
            if let value { names[input.name] = value }
        }
        for node in nodes { try node.build(&names, context, in: &builder) }
        return try outputs.map { output in
            guard let value = names[output.name] else {
                throw ONNXError.malformed(
                    what: "The graph \(name)", reason: "no node makes its output \(output.name)")
            }
            return value
        }
    }
}

extension ModelNode {
    func build(_ names: inout NamedValues, _ context: BuildingContext, in builder: inout GraphBuilder) throws
    {
        do {
            let outputs = try results(names, context, in: &builder)
            for (name, value) in zip(self.outputs, outputs) where !name.isEmpty { names[name] = value }
        } catch let error as ONNXError {
            throw error
        } catch GraphError.valueNeeded(let value) {
            throw ONNXError.valueNeeded(node: name, operatorName: operatorName, value: value)
        } catch let error as any ReportableError {
            throw ONNXError.node(name: name, operatorName: operatorName, reason: error.summary)
        }
    }

    private func results(
        _ names: NamedValues, _ context: BuildingContext, in builder: inout GraphBuilder
    ) throws -> [GraphValue] {
        let inputs = try self.inputs.map { input -> GraphValue? in
            if input.isEmpty { return nil }
            guard let value = names[input] else {
                throw ONNXError.node(
                    name: name, operatorName: operatorName,
                    reason: "It reads \(input), which neither an input nor a node before it makes.")
            }
            return value
        }
        let key = BuildingContext.FunctionName(domain: domain, name: operatorName, overload: overload)
        if let function = context.functions[key] {
            let attributes = try knownAttributes(names, context)
            return try function.build(key, inputs, attributes, context, in: &builder)
        }
        guard let domain = OperatorSchema.Domain(rawValue: domain),
            let type = context.registry[operatorName, domain]
        else { throw ONNXError.unsupported(node: name, operatorName: operatorName, domain: self.domain) }
        let call = OperatorCall(
            schema: type.schema, node: name, version: context.versions[self.domain],
            attributes: try knownAttributes(names, context), inputs: inputs,
            wantedOutputs: outputs.map { !$0.isEmpty }, valueNamed: { names[$0] })
        builder.beginCall(name)
        return try type.checkedBuild(call, in: &builder)
    }

    /// The attributes with references looked up and graphs bound to the names around them.
    private func knownAttributes(
        _ names: NamedValues, _ context: BuildingContext
    ) throws -> [String: Attribute] {
        var known: [String: Attribute] = [:]
        for (name, attribute) in attributes {
            switch attribute {
            case .known(let value): known[name] = value
            case .reference(let reference): known[name] = context.functionAttributes[reference]
            case .graph(let graph):
                known[name] = .graph(
                    BoundSubgraph(
                        graph: graph, names: names, context: try context.deeper("Node \(self.name)")))
            case .graphs(let graphs):
                let inner = try context.deeper("Node \(self.name)")
                known[name] = .graphs(graphs.map { BoundSubgraph(graph: $0, names: names, context: inner) })
            }
        }
        return known
    }
}

extension ModelFunction {
    fileprivate func build(
        _ name: BuildingContext.FunctionName, _ given: [GraphValue?], _ attributes: [String: Attribute],
        _ context: BuildingContext, in builder: inout GraphBuilder
    ) throws -> [GraphValue] {
        guard given.count <= inputs.count else {
            throw GraphError.failed(
                "The function \(name.name) takes \(inputs.count) inputs, not \(given.count).")
        }
        try builder.noteCall()
        var inner = try context.deeper("The function \(name.name)")
        inner.versions = versions
        inner.functionAttributes = attributes
        for case (let name, .known(let value)) in self.attributes where attributes[name] == nil {
            inner.functionAttributes[name] = value
        }
        var names: NamedValues = [:]
        for (name, value) in zip(inputs, given) { names[name] = value }
        for node in nodes { try node.build(&names, inner, in: &builder) }
        return try outputs.map { output in
            guard let value = names[output] else {
                throw GraphError.failed("No node of the function \(name.name) makes its output \(output).")
            }
            return value
        }
    }
}

/// A subgraph with what the names around it stand for.
private struct BoundSubgraph: Subgraph {
    let graph: ModelGraph
    let names: NamedValues
    let context: BuildingContext

    var inputCount: Int { graph.inputs.count }
    var outputCount: Int { graph.outputs.count }
    var inputTypes: [ValueType?] { graph.inputs.map(\.type) }
    var outputTypes: [ValueType?] { graph.outputs.map(\.type) }

    func build(inputs: [GraphValue], in builder: inout GraphBuilder) throws -> [GraphValue] {
        guard inputs.count == graph.inputs.count else {
            throw GraphError.failed(
                "The subgraph \(graph.name) takes \(graph.inputs.count) inputs, not \(inputs.count).")
        }
        return try graph.build(inputs: inputs, names: names, context: context, in: &builder)
    }
}
