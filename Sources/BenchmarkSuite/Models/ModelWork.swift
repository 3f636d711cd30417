internal import ComputeGraph

/// The bytes that runs of a graph cannot avoid moving.
struct Traffic: Sendable {
    /// Parameters and constants.
    let fixed: Int
    /// Inputs and outputs of one sample.
    let perSample: Int

    /// From the graph for a batch of one.
    init(_ graph: Graph) {
        perSample = (graph.inputs + graph.outputs).reduce(0) { $0 + graph.type(of: $1).byteCount }
        fixed = graph.compulsoryBytes - perSample
    }
}

extension Graph {
    /// Twice the multiply-adds of all convolutions and matrix products; biases, activations and norms do not count.
    var productOperations: Int {
        nodes.reduce(0) { $0 + 2 * multiplyAdds(of: $1) }
    }

    private func multiplyAdds(of node: Node) -> Int {
        let left = type(of: node.inputs[0]).shape
        let results = type(of: node.outputs[0]).shape.count
        switch node.operator {
        case is Conv:
            return results * type(of: node.inputs[1]).shape.extents.dropFirst().reduce(1, *)
        case let product as MatMul:
            return results * left[left.rank - (product.transposesLeft ? 2 : 1)]
        case let product as Gemm:
            return results * left[product.product.transposesLeft ? 0 : 1]
        default: return 0
        }
    }
}
