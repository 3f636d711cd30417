/// Building a subgraph once for each iteration of a loop.
///
/// A trip count comes from a file that nobody has checked, and a condition may never become false.
enum Unrolling {
    /// No loop runs longer.
    static let maximalIterations = 1_000_000
    /// Nested loops stop where the graph has this many values; each takes some hundred bytes of bookkeeping.
    static let maximalValues = 10_000_000
}

extension OperatorCall {
    /// Refuses an iteration beyond the bounds; the first has the number 0.
    func checkIteration(_ iteration: Int, in graph: GraphBuilder) throws(GraphError) {
        try require(
            iteration < Unrolling.maximalIterations,
            "it has not ended after \(Unrolling.maximalIterations) iterations")
        try require(
            graph.graph.values.count < Unrolling.maximalValues,
            "the loops of the model come to more than \(Unrolling.maximalValues) values")
    }

    /// The attribute's graph, which takes and gives as many values as said.
    func subgraph(
        _ name: String, inputs: Int, outputs: ClosedRange<Int>
    ) throws(GraphError) -> any Subgraph {
        let graph = try subgraph(name)
        try require(
            graph.inputCount == inputs,
            "the graph \(name) takes \(graph.inputCount) inputs, and is given \(inputs)")
        try require(
            outputs.contains(graph.outputCount),
            "the graph \(name) has \(graph.outputCount) outputs, and at least \(outputs.lowerBound) are wanted"
        )
        return graph
    }

    /// Builds a subgraph and checks that it has the outputs that it promised.
    func build(
        _ subgraph: any Subgraph, inputs: [GraphValue], in graph: inout GraphBuilder
    ) throws -> [GraphValue] {
        let outputs = try subgraph.build(inputs: inputs, in: &graph)
        try require(
            outputs.count == subgraph.outputCount,
            "a graph inside it gives \(outputs.count) values, and not \(subgraph.outputCount)")
        return outputs
    }

    /// The tensor that a subgraph gives.
    func tensor(_ value: GraphValue, _ what: String) throws(GraphError) -> ValueID {
        guard case .tensor(let id) = value else { throw error("\(what) is a tensor, not \(value.kind)") }
        return id
    }

    /// The one truth value of a bool tensor, run for if it must be.
    func condition(_ value: ValueID, in graph: inout GraphBuilder) throws -> Bool {
        let type = graph.type(of: value)
        try require(
            type.element == .bool && type.shape.count == 1, "a condition is one bool, not \(type)")
        return try graph.integers(value)[0] != 0
    }

    /// A tensor of zeros with a new axis, whose other extents a model declares.
    ///
    /// It stands for what a loop without iterations has gathered. An open extent counts as 0.
    func nothing(
        of type: ValueType?, axis: Int = 0, extent: Int = 0, in graph: inout GraphBuilder
    ) throws(GraphError) -> ValueID {
        guard case .tensor(let element, let shape) = type else {
            throw error("it ran no iteration, and the type of what it gathers is not declared")
        }
        var extents = (shape ?? []).map { $0 ?? 0 }
        extents.insert(extent, at: try resolved(axis: axis, rank: extents.count + 1))
        let zeros = TensorType(element, try Shape(checking: extents))
        try graph.requireRoom(for: zeros, name: schema.name)
        return graph.constant(HostTensor(zeros: zeros))
    }
}

extension GraphBuilder {
    /// Lets go of what an iteration has computed, but for its outputs; nobody else can name it.
    ///
    /// It does so only where everything has been run for, as for a condition, so that a loop that asks for one
    /// after each iteration keeps no more than its state.
    mutating func forget(valuesSince first: Int, but outputs: [GraphValue]) {
        guard graph.nodes.isEmpty, modelState?.evaluator != nil else { return }
        let kept = Set(outputs.flatMap(\.tensors))
        for index in first..<graph.values.count {
            let id = ValueID(index: index)
            guard !kept.contains(id) else { continue }
            graph.constants[id] = nil
            modelState?.given[id] = nil
        }
    }

    /// Tensors of one shape joined along a new axis, counted from the front of the result.
    mutating func stacked(_ values: [ValueID], axis: Int) throws -> ValueID {
        var parts: [ValueID] = []
        for value in values {
            var extents = type(of: value).shape.extents
            extents.insert(1, at: min(axis, extents.count))
            parts.append(try reshaped(value, to: extents))
        }
        return parts.count == 1 ? parts[0] : try addForAny(Concat(axis: axis), parts)
    }

    /// The part of a tensor at one place of an axis, without that axis.
    mutating func part(of value: ValueID, at index: Int, axis: Int) throws -> ValueID {
        let place = constant(HostTensor(.int64(), integers: [Int64(index)]))
        return try addForAny(Gather(axis: axis), [value, place])
    }
}

extension GraphValue {
    /// All tensors in it.
    fileprivate var tensors: [ValueID] {
        switch self {
        case .tensor(let id): [id]
        case .sequence(let elements, _): elements.flatMap(\.tensors)
        case .optional(let held, _): held?.tensors ?? []
        case .map: []
        }
    }
}
