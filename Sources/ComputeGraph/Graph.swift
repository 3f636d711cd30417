/// A value of one graph: what joins nodes.
package struct ValueID: Hashable, Sendable, Codable {
    package let index: Int
    package init(index: Int) { self.index = index }
}

/// One use of an operator.
package struct Node: Sendable {
    package var name: String
    package var `operator`: any Operator
    package var inputs: [ValueID]
    package var outputs: [ValueID]

    package init(name: String, operator: any Operator, inputs: [ValueID], outputs: [ValueID]) {
        self.name = name
        self.operator = `operator`
        self.inputs = inputs
        self.outputs = outputs
    }
}

/// A model: nodes in an order in which each can run after those before it.
///
/// Values come from four places: `inputs` (given at each run), `parameters` (weights: given once, bound by name,
/// and what training changes), `constants` (part of the graph), and nodes. A graph is a value; passes return a
/// new one.
package struct Graph: Sendable {
    package struct Value: Sendable {
        package var name: String
        package var type: TensorType
    }

    package internal(set) var values: [Value] = []
    package internal(set) var nodes: [Node] = []
    package internal(set) var inputs: [ValueID] = []
    package internal(set) var parameters: [ValueID] = []
    package internal(set) var constants: [ValueID: HostTensor] = [:]
    package internal(set) var outputs: [ValueID] = []

    init() {}

    package func type(of value: ValueID) -> TensorType { values[value.index].type }
    package func name(of value: ValueID) -> String { values[value.index].name }

    /// The floating-point operations of one run.
    package var floatingPointOperations: Int {
        nodes.reduce(0) { sum, node in
            sum.saturatingSum(
                node.operator.floatingPointOperations(
                    inputs: node.inputs.map(type(of:)), outputs: node.outputs.map(type(of:))))
        }
    }

    /// The bytes that one run cannot avoid moving: parameters, constants, inputs and outputs, once each.
    package var compulsoryBytes: Int {
        (inputs + parameters + Array(constants.keys) + outputs).reduce(0) { $0 + type(of: $1).byteCount }
    }
}

/// Builds a graph node by node; every addition is checked by the operator's shape rule.
///
///     var builder = GraphBuilder()
///     let x = builder.input("x", .float32(1, 64))
///     let w = builder.parameter("w", .float32(64, 10))
///     let y = try builder.add(MatMul(), [x, w])
///     let graph = builder.build(outputs: [y])
package struct GraphBuilder: Sendable {
    package internal(set) var graph = Graph()
    /// What a model asks of the builder beyond a plain graph; nil where graphs are written by hand.
    var modelState: ModelState?

    package init() {}

    /// Continues an existing graph, for passes that add to it.
    package init(extending graph: Graph) { self.graph = graph }

    package mutating func input(_ name: String, _ type: TensorType) -> ValueID {
        let id = newValue(name, type)
        graph.inputs.append(id)
        return id
    }

    package mutating func parameter(_ name: String, _ type: TensorType) -> ValueID {
        precondition(
            !graph.parameters.contains { graph.name(of: $0) == name }, "two parameters are named \(name)")
        let id = newValue(name, type)
        graph.parameters.append(id)
        return id
    }

    package mutating func constant(_ name: String, _ tensor: HostTensor) -> ValueID {
        let id = newValue(name, tensor.type)
        graph.constants[id] = tensor
        modelState?.account.hold(tensor.heldBytes)
        return id
    }

    /// Adds a node and returns all its outputs.
    package mutating func addNode(
        _ operator: any Operator, _ inputs: [ValueID], name: String? = nil
    ) throws(GraphError) -> [ValueID] {
        try append(Node(name: name ?? "", operator: `operator`, inputs: inputs, outputs: []))
    }

    /// Adds a node of one output and returns it.
    package mutating func add(
        _ operator: any Operator, _ inputs: [ValueID], name: String? = nil
    ) throws(GraphError) -> ValueID {
        try append(Node(name: name ?? "", operator: `operator`, inputs: inputs, outputs: []))[0]
    }

    /// Completes a node without outputs, and perhaps without a name, and adds it.
    ///
    /// The operator comes inside a node, because the compiler would make a copy of a function for each operator
    /// that it takes as such: half of this module's machine code was copies of this one.
    private mutating func append(_ given: Node) throws(GraphError) -> [ValueID] {
        var node = given
        for input in node.inputs where input.index >= graph.values.count { throw .unknownValue(input) }
        let types = try node.operator.outputTypes(of: node.inputs.map(graph.type(of:)))
        if let known = try foldedOutputs(node, types) { return known }
        if node.name.isEmpty { node.name = nextName(for: node.operator.name) }
        node.outputs = types.enumerated().map { index, type in
            newValue(types.count == 1 ? node.name : "\(node.name).\(index)", type)
        }
        graph.nodes.append(node)
        return node.outputs
    }

    /// The first node of a call in a model has the call's name, and others tell their operator too.
    private func nextName(for operatorName: String) -> String {
        guard let call = modelState?.callName else { return "\(operatorName)_\(graph.nodes.count)" }
        let isFirst = graph.nodes.last.map { $0.name != call && !$0.name.hasPrefix("\(call)/") } ?? true
        return isFirst ? call : "\(call)/\(operatorName)_\(graph.nodes.count)"
    }

    /// The finished graph, without the nodes and constants that no output needs.
    ///
    /// The outputs are added in statements before: an argument that adds nodes comes too late for this builder.
    package consuming func build(outputs: [ValueID]) -> Graph {
        precondition(
            outputs.allSatisfy { $0.index < graph.values.count },
            "an output is not in this graph; add it in a statement before build(outputs:)")
        graph.outputs = outputs
        var needed = Set(outputs)
        graph.nodes = graph.nodes.reversed().filter { node in
            guard node.outputs.contains(where: needed.contains) else { return false }
            needed.formUnion(node.inputs)
            return true
        }.reversed()
        graph.constants = graph.constants.filter { needed.contains($0.key) }
        return graph
    }

    package func type(of value: ValueID) -> TensorType { graph.type(of: value) }

    mutating func newValue(_ name: String, _ type: TensorType) -> ValueID {
        graph.values.append(Graph.Value(name: name, type: type))
        modelState?.account.hold(ModelLimits.valueBytes)
        return ValueID(index: graph.values.count - 1)
    }
}
