internal import AcceleratorAPI
package import ComputeGraph
package import Essentials
package import KernelInterface

/// A graph made ready for several devices at once: each node on the first device of a list that takes it.
///
/// The devices may be of different makers. Values that one part makes and another reads are copied, through the
/// host's memory where neither device reaches the other's.
package final class PartitionedExecutable: Sendable {
    package let graph: Graph
    package let devices: [DeviceKernels]
    /// Where each node runs, in the order of the graph's nodes.
    package let placements: [NodePlacement]
    /// The parts in the order in which they run.
    package let parts: [Part]

    package struct Part: Sendable {
        package let executable: Executable
        /// The values that come in and go out, by their ids in the whole graph.
        package let inputs: [ValueID]
        package let outputs: [ValueID]
    }

    /// Places every node, cuts the graph, and prepares each part.
    package init(
        graph: Graph, devices: [DeviceKernels], options: Executable.Options = Executable.Options()
    ) throws {
        precondition(!devices.isEmpty, "a graph needs a device")
        self.graph = graph
        self.devices = devices
        guard devices.count > 1 else {
            // Nothing to place: the graph as it is, and no value crosses.
            let executable = try Executable(
                graph: graph, device: devices[0].device, kernels: devices[0].kernels, options: options)
            parts = [Part(executable: executable, inputs: graph.inputs, outputs: graph.outputs)]
            placements = executable.choices.map { choice in
                NodePlacement(
                    node: choice.node, operatorName: choice.operatorName, device: devices[0].device.id,
                    refusals: [])
            }
            return
        }
        let (places, placements) = try devices.place(graph, demand: options.demand)
        let partition = try GraphPartition(graph, devices: places)
        self.placements = placements
        parts = try partition.parts.map { part in
            let target = devices[part.device]
            return Part(
                executable: try Executable(
                    graph: part.graph, device: target.device, kernels: target.kernels, options: options),
                inputs: part.inputs, outputs: part.outputs)
        }
    }

    /// The kernels that were taken, part by part.
    package var choices: [KernelChoice] { parts.flatMap(\.executable.choices) }

    /// The memory that a session takes on all devices for values and workspaces.
    package var arenaSize: ByteCount { parts.reduce(.zero) { $0 + $1.executable.arenaSize } }
}

/// One caller's running state of a partitioned executable; used by one thread at a time.
package final class PartitionedSession {
    private let executable: PartitionedExecutable
    private let sessions: [Session]
    private let parameters: [String: HostTensor]
    /// For each part, where each of its inputs comes from.
    private let sources: [[Source]]

    private enum Source {
        case input(Int)
        case part(Int, output: Int)
    }

    /// Allocates what every run needs; the values of the graph's parameters are given by name.
    package init(_ executable: PartitionedExecutable, parameters: [String: HostTensor] = [:]) throws {
        var makers: [ValueID: Source] = [:]
        for (index, value) in executable.graph.inputs.enumerated() { makers[value] = .input(index) }
        for (place, part) in executable.parts.enumerated() {
            for (output, value) in part.outputs.enumerated() { makers[value] = .part(place, output: output) }
        }
        self.executable = executable
        self.parameters = parameters
        sources = executable.parts.map { part in
            part.inputs.map { value in
                guard let source = makers[value] else {
                    preconditionFailure("a part reads a value that nobody makes")
                }
                return source
            }
        }
        sessions = try executable.parts.map { part in
            let set = try ParameterSet(
                for: part.executable.graph, on: part.executable.device, loading: parameters)
            return try Session(part.executable, parameters: set)
        }
    }

    /// Runs the graph on tensors: part after part, each after the parts that it reads from.
    package func run(inputs tensors: [HostTensor]) throws -> [HostTensor] {
        let graph = executable.graph
        let expected = graph.inputs.map(graph.type(of:))
        guard tensors.map(\.type) == expected else {
            throw ExecutionError.wrongInputs(expected: expected, given: tensors.map(\.type))
        }
        var results: [[HostTensor]] = []
        for (session, sources) in zip(sessions, sources) {
            let inputs = sources.map { source in
                switch source {
                case .input(let index): tensors[index]
                case .part(let place, let output): results[place][output]
                }
            }
            results.append(try session.run(inputs: inputs))
        }
        return graph.outputs.map { output(of: $0, tensors, results) }
    }

    private func output(
        of value: ValueID, _ tensors: [HostTensor], _ results: [[HostTensor]]
    ) -> HostTensor {
        if let constant = executable.graph.constants[value] { return constant }
        if let index = executable.graph.inputs.firstIndex(of: value) { return tensors[index] }
        for (part, result) in zip(executable.parts, results) {
            if let index = part.outputs.firstIndex(of: value) { return result[index] }
        }
        guard let parameter = parameters[executable.graph.name(of: value)] else {
            preconditionFailure("an output that nobody makes")
        }
        return parameter
    }
}
