/// The gradient of one value of a model by others, at given values of those.
///
/// The attributes name the values. The function that is differentiated is what the graph so far computes of them,
/// and where the inputs are other values than the named ones, it is added once more. Of a value of several elements
/// it is the gradient of their sum. What passes through an operator that computes on known values while a graph is
/// built, such as NonZero, counts as fixed.
package enum Gradient: ModelOperator {
    package static let schema = OperatorSchema(
        "Gradient", domain: .training, "The gradient of one value of a model by others.",
        inputs: [.variadic("Inputs", .tensors, "a value for each name in xs, then for each in zs")],
        outputs: [.variadic("Outputs", .floats, "the gradient of y by each of xs")],
        attributes: [
            .strings("xs", nil, "the names of floating values by which y is differentiated").required,
            .strings("zs", [], "the names of the other values that y is computed of"),
            .string("y", nil, "the name of a floating value").required,
        ])

    package static func build(_ call: OperatorCall, in graph: inout GraphBuilder) throws -> [GraphValue] {
        let xs = try call.strings("xs")
        let names = xs + (try call.strings("zs"))
        let inputs = try call.allInputs()
        try call.require(
            inputs.count == names.count,
            "it has \(inputs.count) inputs, and xs and zs are \(names.count) names")
        var places: [ValueID: ValueID] = [:]
        for (name, input) in zip(names, inputs) { places[try value(named: name, call)] = input }
        let y = try value(named: try call.string("y"), call)
        try call.require(graph.type(of: y).element.isFloating, "y is of floats, not \(graph.type(of: y))")

        let function = graph.function(of: y, stoppingAt: Set(places.keys))
        try call.require(
            graph.remembers(function), "y passes through a loop whose steps are not kept for gradients")
        let nodes = try graph.repeated(function, replacing: places)
        let loss = nodes.replaced[y] ?? y
        let variables = Array(inputs.prefix(xs.count))
        for variable in variables {
            let type = graph.type(of: variable)
            try call.require(type.element.isFloating, "xs are of floats, and one is \(type)")
        }
        var reached = Set(variables)
        for node in nodes.nodes where node.inputs.contains(where: reached.contains) {
            reached.formUnion(node.outputs)
        }
        let gradients = try graph.addGradients(of: loss, along: nodes.nodes, throughValues: reached)
        var outputs: [GraphValue] = []
        for variable in variables {
            outputs.append(.tensor(try gradients[variable] ?? graph.zeros(graph.type(of: variable))))
        }
        return outputs
    }

    private static func value(named name: String, _ call: OperatorCall) throws(GraphError) -> ValueID {
        guard let value = call.valueNamed(name) else { throw call.error("there is no value \(name)") }
        return try call.tensor(value, name)
    }
}

extension GraphBuilder {
    /// The nodes that compute a value, in their order, back to the values at which to stop.
    fileprivate func function(of value: ValueID, stoppingAt leaves: Set<ValueID>) -> [Node] {
        var needed: Set<ValueID> = leaves.contains(value) ? [] : [value]
        let all = (modelState?.history ?? []) + graph.nodes
        return all.reversed().filter { node in
            guard node.outputs.contains(where: needed.contains) else { return false }
            needed.formUnion(node.inputs.filter { !leaves.contains($0) })
            return true
        }.reversed()
    }

    /// Whether all that the nodes read and make is known or still to be run for.
    fileprivate func remembers(_ nodes: [Node]) -> Bool {
        // Only a run forgets.
        guard let state = modelState, state.evaluator != nil else { return true }
        let pending = Set(graph.nodes.flatMap(\.outputs))
        return nodes.allSatisfy { node in
            (node.inputs + node.outputs).allSatisfy {
                graph.constants[$0] != nil || state.given[$0] != nil || pending.contains($0)
            }
        }
    }

    /// The nodes, and those of them that read a replaced value added anew to read what replaces it.
    fileprivate mutating func repeated(
        _ nodes: [Node], replacing given: [ValueID: ValueID]
    ) throws(GraphError) -> (nodes: [Node], replaced: [ValueID: ValueID]) {
        var replaced = given.filter { $0.key != $0.value }
        var result: [Node] = []
        for node in nodes {
            guard node.inputs.contains(where: { replaced[$0] != nil }) else {
                result.append(node)
                continue
            }
            var copy = node
            copy.inputs = node.inputs.map { replaced[$0] ?? $0 }
            copy.outputs = try addNode(node.operator, copy.inputs)
            for (old, new) in zip(node.outputs, copy.outputs) { replaced[old] = new }
            result.append(copy)
        }
        return (result, replaced)
    }
}
