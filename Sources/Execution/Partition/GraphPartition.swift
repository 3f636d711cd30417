package import ComputeGraph

/// A graph cut into parts that each run on one device, in an order in which each can run after those before it.
///
///     a: device 0 ── b: device 1 ── c: device 0        gives three parts
///     a: device 0 ── c: device 0, b: device 1 apart    gives two
package struct GraphPartition: Sendable {
    /// One part, with the values that come in and go out, by their ids in the whole graph.
    package struct Part: Sendable {
        package var device: Int
        package var graph: Graph
        package var inputs: [ValueID]
        package var outputs: [ValueID]
    }

    package let parts: [Part]

    /// Cuts a graph, given the device of each node, into as few parts as going on with one device at a time makes.
    package init(_ graph: Graph, devices: [Int]) throws(GraphError) {
        let groups = GraphPartition.groups(graph, devices)
        var parts: [Part] = []
        for group in groups {
            parts.append(try GraphPartition.part(of: graph, nodes: group.nodes, on: group.device))
        }
        self.parts = parts
    }

    /// Takes nodes that are ready on one device as long as there are some, and then changes to another.
    private static func groups(_ graph: Graph, _ devices: [Int]) -> [(device: Int, nodes: [Int])] {
        var maker: [ValueID: Int] = [:]
        for (place, node) in graph.nodes.enumerated() { for value in node.outputs { maker[value] = place } }
        var waits = graph.nodes.map { node in Set(node.inputs.compactMap { maker[$0] }).count }
        var readers = [[Int]](repeating: [], count: graph.nodes.count)
        for (place, node) in graph.nodes.enumerated() {
            for source in Set(node.inputs.compactMap({ maker[$0] })) { readers[source].append(place) }
        }
        // Ready nodes by device, each in the order of the graph.
        var ready: [Int: [Int]] = [:]
        for place in waits.indices where waits[place] == 0 {
            ready[devices[place], default: []].append(place)
        }
        var groups: [(device: Int, nodes: [Int])] = []
        while let device = ready.filter({ !$0.value.isEmpty }).min(by: { $0.value[0] < $1.value[0] })?.key {
            var nodes: [Int] = []
            while let place = ready[device]?.first {
                ready[device]?.removeFirst()
                nodes.append(place)
                for reader in readers[place] {
                    waits[reader] -= 1
                    if waits[reader] == 0 { ready[devices[reader], default: []].append(reader) }
                }
            }
            groups.append((device, nodes.sorted()))
        }
        return groups
    }

    private static func part(
        of graph: Graph, nodes: [Int], on device: Int
    ) throws(GraphError) -> Part {
        let inside = Set(nodes.flatMap { graph.nodes[$0].outputs })
        let read = nodes.flatMap { graph.nodes[$0].inputs }
        let parameters = Set(graph.parameters)
        let chosen = Set(nodes)
        var readOutside = Set(graph.outputs)
        for (place, node) in graph.nodes.enumerated() where !chosen.contains(place) {
            readOutside.formUnion(node.inputs)
        }
        let inputs = unique(
            read.filter { !inside.contains($0) && graph.constants[$0] == nil && !parameters.contains($0) })
        let outputs = unique(nodes.flatMap { graph.nodes[$0].outputs }.filter(readOutside.contains))
        var builder = GraphBuilder()
        var known: [ValueID: ValueID] = [:]
        for value in inputs { known[value] = builder.input(graph.name(of: value), graph.type(of: value)) }
        for value in unique(read.filter { !inside.contains($0) }) where known[value] == nil {
            if let tensor = graph.constants[value] {
                known[value] = builder.constant(graph.name(of: value), tensor)
            } else {
                known[value] = builder.parameter(graph.name(of: value), graph.type(of: value))
            }
        }
        for place in nodes {
            let node = graph.nodes[place]
            let made = try builder.addNode(
                node.operator, node.inputs.map { known[$0, default: $0] }, name: node.name)
            for (value, new) in zip(node.outputs, made) { known[value] = new }
        }
        let results = outputs.map { known[$0, default: $0] }
        return Part(device: device, graph: builder.build(outputs: results), inputs: inputs, outputs: outputs)
    }

    private static func unique(_ values: [ValueID]) -> [ValueID] {
        var seen: Set<ValueID> = []
        return values.filter { seen.insert($0).inserted }
    }
}
