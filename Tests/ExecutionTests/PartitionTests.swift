import AcceleratorAPI
import Backends
import ComputeGraph
import Essentials
import Execution
import KernelInterface
import TestSupport
import Testing

/// Takes only some operators of another provider, so that a graph has to be cut.
private struct SomeKernels: KernelProvider {
    let base: any KernelProvider
    let names: Set<String>

    func kernels(for operatorName: String) -> [any Kernel] {
        names.contains(operatorName) ? base.kernels(for: operatorName) : []
    }
    var takesFusedOperators: Bool { false }
}

@Suite("Graphs on several devices")
struct PartitionTests {
    private func devices(_ names: [Set<String>]) throws -> [DeviceKernels] {
        let bed = try TestBed()
        return names.map {
            DeviceKernels(device: bed.device, kernels: SomeKernels(base: bed.kernels, names: $0))
        }
    }

    @Test("a node that the first device does not take runs on the second, with the reason kept")
    func example() throws {
        var builder = GraphBuilder()
        let x = builder.input("x", .float32(2, 2))
        let sum = try builder.add(Add(), [x, x], name: "sum")
        let root = try builder.add(Relu(), [sum], name: "relu")
        let product = try builder.add(Mul(), [root, x], name: "product")
        let graph = builder.build(outputs: [product, sum])
        let executable = try PartitionedExecutable(
            graph: graph, devices: devices([["Add", "Mul"], ["Relu"]]))

        #expect(executable.parts.map(\.executable.graph.nodes.count) == [1, 1, 1])
        #expect(executable.placements.map(\.refusals.count) == [0, 1, 0])
        let session = try PartitionedSession(executable)
        let result = try session.run(inputs: [HostTensor(.float32(2, 2), floats: [1, -2, 3, -4])])
        #expect(result[0].floats == [2, 0, 18, 0])
        #expect(result[1].floats == [2, -4, 6, -8])
    }

    @Test("nodes of one device that do not depend on the other's stay together")
    func grouping() throws {
        var builder = GraphBuilder()
        let x = builder.input("x", .float32(3))
        let first = try builder.add(Relu(), [x])
        let other = try builder.add(Add(), [x, x])
        let second = try builder.add(Relu(), [first])
        let last = try builder.add(Add(), [second, other])
        let executable = try PartitionedExecutable(
            graph: builder.build(outputs: [last]), devices: devices([["Relu"], ["Add"]]))
        #expect(executable.parts.map(\.executable.graph.nodes.count) == [2, 2])
    }

    @Test("a node that no device takes is named with all reasons")
    func refused() throws {
        var builder = GraphBuilder()
        let x = builder.input("x", .float32(3))
        let y = try builder.add(Sigmoid(), [x], name: "gate")
        let graph = builder.build(outputs: [y])
        #expect(throws: ExecutionError.self) {
            try PartitionedExecutable(graph: graph, devices: devices([["Relu"], ["Add"]]))
        }
    }

    @Test("any cut of a random graph computes what the whole computes", arguments: propertySeeds.prefix(40))
    func anyCut(seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        var builder = GraphBuilder()
        var values = [builder.input("x", .float32(4, 5)), builder.input("y", .float32(4, 5))]
        values.append(builder.parameter("w", .float32(5)))
        let operators: [any Operator] = [Add(), Mul(), Sub(), Relu(), Tanh(), Sigmoid()]
        for _ in 0..<(3 + random.below(12)) {
            let op = operators[random.below(operators.count)]
            let inputs = (0..<(op is Relu || op is Tanh || op is Sigmoid ? 1 : 2)).map { _ in
                random.pick(values)
            }
            values.append(try builder.add(op, inputs))
        }
        let graph = builder.build(outputs: [values[values.count - 1], values[values.count - 2]])
        let sample = GraphSample(graph, &random)
        let names = ["Add", "Mul", "Sub", "Relu", "Tanh", "Sigmoid"]
        let first = Set(names.filter { _ in random.below(2) == 0 })
        let executable = try PartitionedExecutable(
            graph: graph, devices: devices([first, Set(names).subtracting(first)]))
        let result = try PartitionedSession(executable, parameters: sample.parameters)
            .run(inputs: sample.inputs)
        let expected = try ReferenceInterpreter.run(
            graph, inputs: sample.inputs, parameters: sample.parameters)
        for (one, other) in zip(result, expected) { #expect(agree(one, other)) }
    }
}
