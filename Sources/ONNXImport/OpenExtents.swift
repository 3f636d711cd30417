internal import ComputeGraph

// What a model says of extents, taken away: every shape then follows from values that are given.

extension ModelValue {
    var withOpenExtents: ModelValue {
        ModelValue(name: name, type: type?.withOpenExtents, dimensionNames: dimensionNames)
    }
}

extension ValueType {
    fileprivate var withOpenExtents: ValueType {
        switch self {
        case .tensor(let element, let shape): .tensor(element, shape: shape?.map { _ in nil })
        case .sequence(let element): .sequence(of: element.withOpenExtents)
        case .optional(let element): .optional(of: element.withOpenExtents)
        case .map(let key, let value): .map(key: key, value: value.withOpenExtents)
        }
    }
}

extension ModelGraph {
    var withOpenExtents: ModelGraph {
        var open = self
        open.inputs = inputs.map(\.withOpenExtents)
        open.outputs = outputs.map(\.withOpenExtents)
        open.inner = inner.map(\.withOpenExtents)
        open.nodes = nodes.map(\.withOpenExtents)
        return open
    }
}

extension ModelFunction {
    var withOpenExtents: ModelFunction {
        var open = self
        open.nodes = nodes.map(\.withOpenExtents)
        return open
    }
}

extension ModelNode {
    fileprivate var withOpenExtents: ModelNode {
        var open = self
        open.attributes = attributes.mapValues { attribute in
            switch attribute {
            case .graph(let graph): .graph(graph.withOpenExtents)
            case .graphs(let graphs): .graphs(graphs.map(\.withOpenExtents))
            case .known, .reference: attribute
            }
        }
        return open
    }
}
