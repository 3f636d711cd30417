/// How often each value of a graph is read, by nodes and as an output of the graph.
struct UseCounts {
    private var counts: [ValueID: Int] = [:]

    init(_ graph: Graph) {
        for value in graph.nodes.flatMap(\.inputs) + graph.outputs { counts[value, default: 0] += 1 }
    }

    subscript(value: ValueID) -> Int { counts[value] ?? 0 }
}
