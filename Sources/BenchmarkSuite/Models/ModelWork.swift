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
