extension Graph {
    /// The same graph with every node that model files have no operator for replaced by some that they have.
    package func expandedForWriting() throws(GraphError) -> Graph {
        var builder = GraphBuilder()
        var new: [ValueID: ValueID] = [:]
        for id in inputs { new[id] = builder.input(name(of: id), type(of: id)) }
        for id in parameters { new[id] = builder.parameter(name(of: id), type(of: id)) }
        for (id, tensor) in constants.sorted(by: { $0.key.index < $1.key.index }) {
            new[id] = builder.constant(name(of: id), tensor)
        }
        for node in nodes {
            let given = node.inputs.compactMap { new[$0] }
            let outputs = try builder.addWritable(node, given, of: self)
            for (old, value) in zip(node.outputs, outputs) { new[old] = value }
        }
        return builder.build(outputs: outputs.compactMap { new[$0] })
    }
}

extension GraphBuilder {
    fileprivate mutating func addWritable(
        _ node: Node, _ inputs: [ValueID], of graph: Graph
    ) throws(GraphError) -> [ValueID] {
        let (given, made) = (node.inputs.map(graph.type(of:)), node.outputs.map(graph.type(of:)))
        if node.operator.written(inputs: given, outputs: made) == nil,
            let outputs = try node.operator.expanded(inputs, in: &self)
        {
            return outputs
        }
        return try addNode(node.operator, inputs, name: node.name)
    }
}
