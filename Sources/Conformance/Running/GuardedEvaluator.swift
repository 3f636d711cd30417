package import AcceleratorAPI
package import ComputeGraph
internal import Essentials
internal import Execution
package import KernelInterface

/// Runs graphs node by node with the device's kernels, each operand in memory of its own between guards.
///
/// A kernel that reads or writes outside its operands, or counts on more alignment than that of an element, ends the
/// process or is told on. Inputs of the graph lie in memory with a gap after every element, and are taken from there
/// by `Slice`.
package final class GuardedEvaluator: GraphEvaluator {
    private let device: Device
    private let kernels: any KernelProvider
    private let context: DeviceContext
    private let stream: DeviceStream

    package init(device: Device, kernels: any KernelProvider) throws {
        self.device = device
        self.kernels = kernels
        context = try device.makeContext()
        stream = try context.makeStream()
    }

    package func run(_ graph: Graph, inputs: [HostTensor]) throws -> [HostTensor] {
        let graph = kernels.takesFusedOperators ? graph.fused() : graph
        var known = graph.constants
        for (id, tensor) in zip(graph.inputs, inputs) { known[id] = try takenFromGaps(tensor) }
        for node in graph.nodes {
            let operands = try node.inputs.map { try Self.value(of: $0, in: known, graph) }
            let constants = node.inputs.indices.filter { graph.constants[node.inputs[$0]] != nil }
            let results = try run(node, on: operands, constants: Set(constants))
            for (id, tensor) in zip(node.outputs, results) { known[id] = tensor }
        }
        return try graph.outputs.map { try Self.value(of: $0, in: known, graph) }
    }

    private static func value(
        of id: ValueID, in known: [ValueID: HostTensor], _ graph: Graph
    ) throws -> HostTensor {
        guard let tensor = known[id] else { throw GraphError.missingParameter(name: graph.name(of: id)) }
        return tensor
    }

    /// The tensor after it has lain with gaps along its last axis.
    private func takenFromGaps(_ tensor: HostTensor) throws -> HostTensor {
        guard tensor.type.shape.rank > 0, tensor.type.shape.count > 0 else { return tensor }
        let last = tensor.type.shape.rank - 1
        let slice = Slice(starts: [0], ends: [2 * tensor.type.shape.extents[last]], axes: [last], steps: [2])
        let spread = tensor.withGaps()
        let node = Node(
            name: "Slice", operator: slice, inputs: [ValueID(index: 0)], outputs: [ValueID(index: 1)])
        // A device without that operator takes the tensor as it is.
        do { return try run(node, on: [spread], constants: [])[0] } catch ExecutionError.noKernel {
            return tensor
        }
    }
}

extension GuardedEvaluator {
    private func run(
        _ node: Node, on inputs: [HostTensor], constants: Set<Int>
    ) throws -> [HostTensor] {
        let types = try node.operator.outputTypes(of: inputs.map(\.type))
        let signature = NodeSignature(
            operator: node.operator, inputs: inputs.map(\.type), outputs: types, frozenInputs: constants)
        let (kernel, refusals) = kernels.choose(for: signature)
        guard let kernel else {
            throw ExecutionError.noKernel(
                node: node.name, operatorName: node.operator.name, refusals: refusals)
        }
        let values = Dictionary(uniqueKeysWithValues: constants.map { ($0, inputs[$0]) })
        let prepared = try kernel.prepare(signature, constants: values, on: device)
        if prepared.isView { return [inputs[0].reshaped(to: types[0].shape)] }
        return try run(prepared, of: "\(kernel.name) of \(node.operator.name)", inputs, types)
    }

    private func run(
        _ kernel: any PreparedKernel, of name: String, _ inputs: [HostTensor], _ types: [TensorType]
    ) throws -> [HostTensor] {
        let given = try inputs.enumerated().map { index, tensor in
            try kernel.packings[index].map { try memory(packed: tensor, as: $0) } ?? memory(holding: tensor)
        }
        let results = try types.map { type in
            try GuardedMemory(
                size: type.byteCount, step: max(type.element.size, 1), aligned: false, in: context)
        }
        let workspace =
            kernel.workspace == .zero
            ? nil
            : try GuardedMemory(
                size: kernel.workspace.bytes, step: Self.plannedAlignment, aligned: true, in: context)
        try kernel.enqueue(
            inputs: given.map(\.view), outputs: results.map(\.view), workspace: workspace?.view, on: stream,
            correlation: 0)
        try stream.synchronize()
        for (place, memory) in (given + results + [workspace].compactMap(\.self)).enumerated() {
            guard memory.isWholeAround else {
                throw Failure("The kernel \(name) wrote beside its operand \(place).")
            }
        }
        return zip(types, results).map { type, memory in
            var tensor = HostTensor(zeros: type)
            unsafe tensor.withMutableBytes {
                unsafe $0.copyMemory(from: UnsafeRawBufferPointer(memory.bytes))
            }
            return tensor
        }
    }

    /// What kernels may count on for what they planned themselves: workspaces and packed forms.
    private static let plannedAlignment = 256

    private func memory(holding tensor: HostTensor) throws -> GuardedMemory {
        let type = tensor.type
        let memory = try GuardedMemory(
            size: type.byteCount, step: max(type.element.size, 1), aligned: false, in: context)
        unsafe tensor.withBytes { unsafe memory.bytes.copyMemory(from: $0) }
        return memory
    }

    private func memory(packed tensor: HostTensor, as packing: Packing) throws -> GuardedMemory {
        let memory = try GuardedMemory(
            size: packing.size.bytes, step: Self.plannedAlignment, aligned: true, in: context)
        unsafe tensor.withBytes { unsafe packing.pack($0, memory.bytes) }
        return memory
    }
}

extension HostTensor {
    /// Every element with one more behind it, of bytes that are all ones.
    fileprivate func withGaps() -> HostTensor {
        var extents = type.shape.extents
        extents[extents.count - 1] *= 2
        var result = HostTensor(zeros: TensorType(type.element, Shape(extents)))
        let size = type.element.size
        unsafe withBytes { from in
            unsafe result.withMutableBytes { to in
                unsafe to.initializeMemory(as: UInt8.self, repeating: type.element == .bool ? 1 : 0xFF)
                for start in stride(from: 0, to: from.count, by: max(size, 1)) {
                    unsafe UnsafeMutableRawBufferPointer(rebasing: to[2 * start..<2 * start + size])
                        .copyMemory(from: UnsafeRawBufferPointer(rebasing: from[start..<start + size]))
                }
            }
        }
        return result
    }
}
