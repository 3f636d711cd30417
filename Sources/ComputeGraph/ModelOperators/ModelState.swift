/// Runs the part of a graph that has been built, when a value in it must be known to build on.
package protocol GraphEvaluator: Sendable {
    /// The graph's outputs for its inputs.
    func run(_ graph: Graph, inputs: [HostTensor]) throws -> [HostTensor]

    /// The same, with at most so many bytes for what the run needs beside the inputs.
    func run(_ graph: Graph, inputs: [HostTensor], within bytes: Int) throws -> [HostTensor]
}

extension GraphEvaluator {
    package func run(_ graph: Graph, inputs: [HostTensor], within bytes: Int) throws -> [HostTensor] {
        try run(graph, inputs: inputs)
    }
}

/// What a builder knows while it builds a model.
struct ModelState: Sendable {
    /// nil where the model is only being prepared, and no inputs are given.
    var evaluator: (any GraphEvaluator)?
    /// What the model may take, and has taken.
    var account: ModelAccount
    /// The values of graph inputs of this run, and of what has been computed to go on building.
    var given: [ValueID: HostTensor] = [:]
    /// The name, in the model, of the call that is being built; its nodes are called after it.
    var callName: String?
    /// Nodes that are no longer in the graph, because what they make is known; gradients go through them.
    var history: [Node] = []
}

extension GraphBuilder {
    /// A builder for a model: it folds constants, keeps to limits, and with an evaluator can tell any value.
    package init(evaluator: (any GraphEvaluator)?, limits: ModelLimits = .none) {
        self.init()
        modelState = ModelState(evaluator: evaluator, account: ModelAccount(limits))
    }

    /// An input whose value in this run is known already.
    ///
    /// Strings, and what lies on no device, become constants.
    package mutating func input(_ name: String, given tensor: HostTensor) -> ValueID {
        guard tensor.type.element.size > 0 else { return constant(name, tensor) }
        let id = input(name, tensor.type)
        keep(tensor, as: id)
        return id
    }

    package mutating func constant(_ tensor: HostTensor) -> ValueID {
        constant("constant_\(graph.values.count)", tensor)
    }

    /// Names the nodes that are added next after a call in the model.
    package mutating func beginCall(_ name: String) { modelState?.callName = name }

    /// Whether `tensor(_:)` needs no run.
    package func isKnown(_ value: ValueID) -> Bool {
        graph.constants[value] != nil || modelState?.given[value] != nil
    }

    /// The value, run for if it must be.
    ///
    /// Throws `GraphError.valueNeeded` where a model is only being prepared and the value depends on its inputs.
    package mutating func tensor(_ value: ValueID) throws -> HostTensor {
        // Who asks is about to look at all elements, and to make lists of them.
        let count = type(of: value).shape.count
        try noteReference(elements: count, work: count)
        if let tensor = graph.constants[value] ?? modelState?.given[value] { return tensor }
        guard let evaluator = modelState?.evaluator else {
            throw GraphError.valueNeeded(name: graph.name(of: value))
        }
        try runPending(evaluator)
        guard let tensor = modelState?.given[value] else {
            preconditionFailure("value \(value.index) is made by no node")
        }
        return tensor
    }

    private mutating func keep(_ tensor: HostTensor, as id: ValueID) {
        modelState?.given[id] = tensor
        modelState?.account.hold(tensor.heldBytes)
    }

    /// The elements of an integer tensor, whose value is known or run for.
    package mutating func integers(_ value: ValueID) throws -> [Int] {
        let tensor = try tensor(value)
        guard tensor.type.element.isInteger || tensor.type.element == .bool else {
            throw GraphError.failed("\(graph.name(of: value)) is \(tensor.type), and integers are wanted.")
        }
        return tensor.wholes.map { Int(clamping: $0) }
    }

    /// Runs all nodes so far, keeps what they computed, and starts anew with it as inputs.
    private mutating func runPending(_ evaluator: any GraphEvaluator) throws {
        var pending = graph
        pending.outputs = graph.nodes.flatMap(\.outputs)
        let used = Set(graph.nodes.flatMap(\.inputs))
        pending.inputs = used.filter { modelState?.given[$0] != nil }.sorted { $0.index < $1.index }
        pending.constants = [:]
        for id in used { pending.constants[id] = graph.constants[id] }
        let inputs = pending.inputs.compactMap { modelState?.given[$0] }
        let results = try evaluator.run(
            pending, inputs: inputs, within: modelState?.account.freeBytes ?? .max)
        for (id, tensor) in zip(pending.outputs, results) { keep(tensor, as: id) }
        try modelState?.account.check()
        graph.inputs += pending.outputs
        modelState?.history += graph.nodes
        graph.nodes = []
    }

    /// The values of the outputs of a model at the end of its run.
    package mutating func tensors(_ values: [ValueID]) throws -> [HostTensor] {
        let unknown = values.filter { !isKnown($0) }
        if !unknown.isEmpty, let evaluator = modelState?.evaluator {
            let last = self.build(outputs: unknown)
            var pending = last
            let used = Set(pending.nodes.flatMap(\.inputs))
            pending.inputs = pending.inputs.filter(used.contains)
            let inputs = pending.inputs.compactMap { modelState?.given[$0] }
            let results = try evaluator.run(
                pending, inputs: inputs, within: modelState?.account.freeBytes ?? .max)
            for (id, tensor) in zip(unknown, results) { keep(tensor, as: id) }
        }
        var tensors: [HostTensor] = []
        for value in values {
            guard let tensor = graph.constants[value] ?? modelState?.given[value] else {
                throw GraphError.valueNeeded(name: graph.name(of: value))
            }
            tensors.append(tensor)
        }
        return tensors
    }

    /// The outputs of a node that can be computed at once: all its inputs are constants, or some are strings.
    mutating func foldedOutputs(_ node: Node, _ types: [TensorType]) throws(GraphError) -> [ValueID]? {
        guard modelState != nil else { return nil }
        for type in types { try requireRoom(for: type, name: node.operator.name) }
        let constants = node.inputs.compactMap { graph.constants[$0] }
        guard constants.count == node.inputs.count else { return nil }
        let given = constants.map(\.type)
        try noteReference(
            elements: (given + types).reduce(0) { $0.saturatingSum($1.shape.count) },
            work: node.operator.work(inputs: given, outputs: types))
        var folded = node
        folded.outputs = try results(of: node, on: constants, types).map { constant($0) }
        modelState?.history.append(folded)
        return folded.outputs
    }

    /// Small nodes are computed by their references, and large ones as the rest of the model is.
    private func results(
        of node: Node, on constants: [HostTensor], _ types: [TensorType]
    ) throws(GraphError) -> [HostTensor] {
        let work = node.operator.floatingPointOperations(inputs: constants.map(\.type), outputs: types)
        guard work > Self.mostWorkOfReferences, let evaluator = modelState?.evaluator else {
            return node.operator.reference(constants)
        }
        var builder = GraphBuilder()
        let inputs = constants.enumerated().map { builder.input("input_\($0)", $1.type) }
        let outputs = try builder.addNode(node.operator, inputs)
        do {
            return try evaluator.run(
                builder.build(outputs: outputs), inputs: constants,
                within: modelState?.account.freeBytes ?? .max)
        } catch {
            throw .failed("\(error)")
        }
    }

    /// About a millisecond.
    private static let mostWorkOfReferences = 1_000_000
}
