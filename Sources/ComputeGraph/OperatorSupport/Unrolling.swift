/// Building a subgraph once for each iteration of a loop.
///
/// A trip count comes from a file that nobody has checked, and a condition may never become false.
enum Unrolling {
    /// No loop runs longer.
    static let maximalIterations = 10_000_000
}

extension OperatorCall {
    /// Refuses an iteration beyond the bounds; the first has the number 0.
    func checkIteration(_ iteration: Int, in graph: inout GraphBuilder) throws(GraphError) {
        try require(
            iteration < Unrolling.maximalIterations,
            "it has not ended after \(Unrolling.maximalIterations) iterations")
        try graph.noteCall()
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

    /// The one integer of a tensor, run for if it must be.
    func integer(_ value: ValueID, _ what: String, in graph: inout GraphBuilder) throws -> Int {
        let type = graph.type(of: value)
        try require(type.shape.count == 1, "\(what) is one integer, not \(type)")
        return try graph.integers(value)[0]
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
        extents.insert(extent, at: try self.axis(axis, rank: extents.count + 1))
        let zeros = TensorType(element, try Shape(checking: extents))
        try graph.requireRoom(for: zeros, of: "What \(schema.name) gathers")
        return graph.constant(HostTensor(zeros: zeros))
    }
}

extension GraphBuilder {
    /// Tensors of one shape joined along a new axis, counted from the front of the result.
    mutating func stacked(_ values: [ValueID], axis: Int) throws(GraphError) -> ValueID {
        var parts: [ValueID] = []
        for value in values {
            var extents = type(of: value).shape.extents
            extents.insert(1, at: min(axis, extents.count))
            parts.append(try add(Reshape(extents, allowsZero: true), [value]))
        }
        return parts.count == 1 ? parts[0] : try add(Concat(axis: axis), parts)
    }

    /// The part of a tensor at one place of an axis, without that axis.
    mutating func part(of value: ValueID, at index: Int, axis: Int) throws(GraphError) -> ValueID {
        let place = constant(HostTensor(.int64(), integers: [Int64(index)]))
        return try add(Gather(axis: axis), [value, place])
    }
}
