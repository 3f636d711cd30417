/// Runs a graph by its operators' reference implementations: the truth that devices are compared with.
///
/// Slow on purpose. A value is dropped after its last use, so that large models fit.
package enum ReferenceInterpreter {
    /// The graph's outputs for the given inputs, in the order of the graph's inputs, and parameters by name.
    ///
    /// Parameters that the graph does not have are ignored, so that one set serves a model and its passes.
    package static func run(
        _ graph: Graph, inputs: [HostTensor], parameters: [String: HostTensor] = [:]
    ) throws(GraphError) -> [HostTensor] {
        var known = graph.constants
        guard inputs.count == graph.inputs.count else {
            throw .wrongInputCount(wanted: graph.inputs.count, given: inputs.count)
        }
        for (value, tensor) in zip(graph.inputs, inputs) {
            known[value] = try checked(tensor, as: value, in: graph)
        }
        for value in graph.parameters {
            guard let tensor = parameters[graph.name(of: value)] else {
                throw .missingParameter(name: graph.name(of: value))
            }
            known[value] = try checked(tensor, as: value, in: graph)
        }
        let lastUses = lastUses(in: graph)
        for (place, node) in graph.nodes.enumerated() {
            let results = node.operator.reference(node.inputs.map { known.tensor($0) })
            for (value, tensor) in zip(node.outputs, results) { known[value] = tensor }
            for value in node.inputs + node.outputs where lastUses[value] ?? place == place {
                known[value] = nil
            }
        }
        return graph.outputs.map { known.tensor($0) }
    }

    /// The place of the last node that reads each value; outputs of the graph outlive all nodes.
    private static func lastUses(in graph: Graph) -> [ValueID: Int] {
        var uses: [ValueID: Int] = [:]
        for (place, node) in graph.nodes.enumerated() {
            for value in node.inputs { uses[value] = place }
        }
        for value in graph.outputs { uses[value] = graph.nodes.count }
        return uses
    }

    private static func checked(
        _ tensor: HostTensor, as value: ValueID, in graph: Graph
    ) throws(GraphError) -> HostTensor {
        guard tensor.type == graph.type(of: value) else {
            throw .wrongType(name: graph.name(of: value), wanted: graph.type(of: value), given: tensor.type)
        }
        return tensor
    }
}

extension [ValueID: HostTensor] {
    fileprivate func tensor(_ value: ValueID) -> HostTensor {
        guard let tensor = self[value] else {
            preconditionFailure("value \(value.index) is read before a node makes it")
        }
        return tensor
    }
}
