internal import ONNXFormat

/// One kind of part of a model: how to reach each of them in a fixed order, those inside subgraphs included.
struct Parts<Part>: Sendable {
    let visit: @Sendable (inout ProtoModel, (inout Part) -> Void) -> Void
}

extension Parts<ProtoGraph> {
    static let graphs = Parts { model, body in model.graph.visitGraphs(body) }
}

extension Parts<[ProtoNode]> {
    /// Of graphs and of functions.
    static let nodeLists = Parts { model, body in
        model.graph.visitGraphs { body(&$0.node) }
        for index in model.functions.indices {
            body(&model.functions[index].node)
            for node in model.functions[index].node.indices {
                model.functions[index].node[node].visitGraphs { body(&$0.node) }
            }
        }
    }
}

extension Parts<ProtoNode> {
    static let nodes = Parts { model, body in
        Parts<[ProtoNode]>.nodeLists.visit(&model) { list in for index in list.indices { body(&list[index]) }
        }
    }
}

extension Parts<ProtoAttribute> {
    static let attributes = Parts { model, body in
        Parts<ProtoNode>.nodes.visit(&model) { node in
            for index in node.attribute.indices { body(&node.attribute[index]) }
        }
    }
}

extension Parts<ProtoTensor> {
    /// Initializers and those in attributes.
    static let tensors = Parts { model, body in
        model.graph.visitGraphs { graph in
            for index in graph.initializer.indices { body(&graph.initializer[index]) }
            for index in graph.sparseInitializer.indices {
                body(&graph.sparseInitializer[index].values)
                body(&graph.sparseInitializer[index].indices)
            }
        }
        Parts<ProtoAttribute>.attributes.visit(&model) { attribute in
            if attribute.hasT { body(&attribute.t) }
            for index in attribute.tensors.indices { body(&attribute.tensors[index]) }
            if attribute.hasSparseTensor {
                body(&attribute.sparseTensor.values)
                body(&attribute.sparseTensor.indices)
            }
        }
    }
}

extension Parts<ProtoValueInfo> {
    static let values = Parts { model, body in
        model.graph.visitGraphs { graph in
            for index in graph.input.indices { body(&graph.input[index]) }
            for index in graph.output.indices { body(&graph.output[index]) }
            for index in graph.valueInfo.indices { body(&graph.valueInfo[index]) }
        }
    }
}

extension Parts {
    func count(in model: ProtoModel) -> Int {
        var copy = model
        var count = 0
        visit(&copy) { _ in count += 1 }
        return count
    }

    /// Changes the part of an index.
    func change(_ index: Int, in model: inout ProtoModel, _ body: (inout Part) -> Void) {
        var place = 0
        visit(&model) { part in
            if place == index { body(&part) }
            place += 1
        }
    }
}

extension ProtoGraph {
    /// The graph after those inside it.
    fileprivate mutating func visitGraphs(_ body: (inout ProtoGraph) -> Void) {
        for index in node.indices { node[index].visitGraphs(body) }
        body(&self)
    }

    /// What a name in this graph may be.
    var names: [String] {
        input.map(\.name) + initializer.map(\.name) + node.flatMap(\.output) + output.map(\.name)
    }
}

extension ProtoNode {
    fileprivate mutating func visitGraphs(_ body: (inout ProtoGraph) -> Void) {
        for index in attribute.indices {
            if attribute[index].hasG { attribute[index].g.visitGraphs(body) }
            for inner in attribute[index].graphs.indices { attribute[index].graphs[inner].visitGraphs(body) }
        }
    }
}
