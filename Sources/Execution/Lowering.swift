internal import AcceleratorAPI
internal import ComputeGraph
internal import Essentials
internal import KernelInterface

/// The way from a graph to an executable, step by step; it lives only inside `Executable.init`.
///
/// Values that share bytes have one *root*: a reshape's output has the root of its input. Roots that nodes compute
/// get a *block* of the arena; two roots share a block where a kernel may write over its input.
struct Lowering {
    let graph: Graph
    let device: Device
    let assignments: [Executable.Assignment]
    let parametersAreFrozen: Bool
    let demand: Arithmetic
    private(set) var choices: [KernelChoice] = []

    private var prepared: [any PreparedKernel] = []
    private var signatures: [NodeSignature] = []
    private var root: [ValueID]
    /// The node that computes a root.
    private var producer: [ValueID: Int] = [:]
    /// The nodes that read a root, in rising order.
    private var readers: [ValueID: [Int]] = [:]
    /// Roots that are written straight into a parameter's memory.
    private var written: [ValueID: String] = [:]
    /// The first root of the block that a root shares.
    private var block: [ValueID: ValueID] = [:]
    private var parameterNames: [ValueID: String] = [:]

    init(
        graph: Graph, device: Device, assignments: [Executable.Assignment], parametersAreFrozen: Bool,
        constantMemory: DeviceBufferView?, demand: Arithmetic
    ) throws {
        self.graph = graph
        self.device = device
        self.assignments = assignments
        self.parametersAreFrozen = parametersAreFrozen
        self.demand = demand
        root = graph.values.indices.map(ValueID.init(index:))
        for id in graph.parameters { parameterNames[id] = graph.name(of: id) }
        constantBuilder = ConstantBuilder(try device.makeContext(), constantMemory)
    }

    private let constantBuilder: ConstantBuilder
    var constants: ConstantStore { constantBuilder.store }
}

extension Lowering {
    /// Chooses and prepares a kernel for every node, in order.
    mutating func prepareNodes(_ kernels: any KernelProvider) throws {
        for (index, node) in graph.nodes.enumerated() {
            let roots = node.inputs.map { root[$0.index] }
            let signature = NodeSignature(
                operator: node.operator, inputs: node.inputs.map(graph.type(of:)),
                outputs: node.outputs.map(graph.type(of:)),
                frozenInputs: Set(roots.indices.filter { isFrozen(roots[$0]) }), demand: demand,
                name: node.name)
            let kernel = try choose(for: node, signature, kernels)
            let ready = try kernel.prepare(signature, constants: constantValues(node, roots), on: device)
            prepared.append(ready)
            signatures.append(signature)
            if ready.isView {
                root[node.outputs[0].index] = roots[0]
            } else {
                for output in node.outputs { producer[output] = index }
                for input in Set(roots) { readers[input, default: []].append(index) }
            }
        }
    }

    private mutating func choose(
        for node: Node, _ signature: NodeSignature, _ kernels: any KernelProvider
    ) throws -> any Kernel {
        let (kernel, refusals) = kernels.choose(for: signature)
        guard let kernel else {
            throw ExecutionError.noKernel(
                node: node.name, operatorName: node.operator.name, refusals: refusals)
        }
        choices.append(
            KernelChoice(
                node: node.name, operatorName: node.operator.name, kernel: kernel.name, refusals: refusals))
        return kernel
    }

    private func isFrozen(_ root: ValueID) -> Bool {
        graph.constants[root] != nil || parametersAreFrozen && parameterNames[root] != nil
    }

    private func constantValues(_ node: Node, _ roots: [ValueID]) -> [Int: HostTensor] {
        var values: [Int: HostTensor] = [:]
        for (place, root) in roots.enumerated() {
            guard let tensor = graph.constants[root] else { continue }
            values[place] = tensor.reshaped(to: graph.type(of: node.inputs[place]).shape)
        }
        return values
    }
}

extension Lowering {
    /// Lets assigned outputs be computed right where their parameter lies, wherever nobody needs the old value.
    mutating func placeAssignments() throws {
        var assigned: Set<String> = []
        for assignment in assignments {
            let (source, parameter) = try checked(assignment)
            guard assigned.insert(assignment.parameter).inserted else {
                throw wrong(assignment, "another output is assigned to it already.")
            }
            if written[source] == nil, mayWrite(source, into: parameter) {
                written[source] = assignment.parameter
            }
        }
    }

    private func checked(_ assignment: Executable.Assignment) throws -> (source: ValueID, parameter: ValueID)
    {
        guard graph.outputs.indices.contains(assignment.output) else {
            throw wrong(assignment, "the graph has \(graph.outputs.count) outputs.")
        }
        guard let parameter = graph.parameters.first(where: { graph.name(of: $0) == assignment.parameter })
        else { throw wrong(assignment, "the graph has no such parameter.") }
        let source = root[graph.outputs[assignment.output].index]
        guard producer[source] != nil else { throw wrong(assignment, "no node computes this output.") }
        let (given, expected) = (graph.type(of: graph.outputs[assignment.output]), graph.type(of: parameter))
        guard given == expected else { throw wrong(assignment, "it is \(expected), the output is \(given).") }
        return (source, parameter)
    }

    private func wrong(_ assignment: Executable.Assignment, _ reason: String) -> ExecutionError {
        .wrongAssignment(output: assignment.output, parameter: assignment.parameter, reason: reason)
    }

    private func mayWrite(_ source: ValueID, into parameter: ValueID) -> Bool {
        guard let step = producer[source], !isOutput(parameter) else { return false }
        let reading = readers[parameter] ?? []
        if reading.allSatisfy({ $0 < step }) { return true }
        guard reading.allSatisfy({ $0 <= step }) else { return false }
        return prepared[step].inPlacePairs.contains { pair in
            graph.nodes[step].outputs[pair.output] == source && readsOnce(step, parameter, at: pair.input)
        }
    }

    /// Whether the node reads the root by this input and no other.
    private func readsOnce(_ step: Int, _ value: ValueID, at input: Int) -> Bool {
        graph.nodes[step].inputs.enumerated().allSatisfy {
            (root[$0.element.index] == value) == ($0.offset == input)
        }
    }

    private func isOutput(_ value: ValueID) -> Bool { graph.outputs.contains { root[$0.index] == value } }
}

extension Lowering {
    /// Lets kernels write over inputs that die with them.
    mutating func shareMemoryInPlace() {
        for (step, node) in graph.nodes.enumerated() where !prepared[step].isView {
            for pair in prepared[step].inPlacePairs {
                let input = root[node.inputs[pair.input].index]
                let output = node.outputs[pair.output]
                guard mayShare(step, input, output, at: pair.input) else { continue }
                block[output] = block[input] ?? input
            }
        }
    }

    private func mayShare(_ step: Int, _ input: ValueID, _ output: ValueID, at place: Int) -> Bool {
        producer[input] != nil && written[input] == nil && written[output] == nil && block[output] == nil
            && readers[input]?.last == step && !isOutput(input) && readsOnce(step, input, at: place)
            && graph.type(of: input).byteCount == graph.type(of: output).byteCount
            && !graph.nodes[step].outputs.contains { $0 != output && block[$0] == (block[input] ?? input) }
    }

    /// What the plan is made of: blocks, and which value and which step's workspace has which.
    struct Layout {
        var plan: MemoryPlan
        var sideBySide: Int
        var index: [ValueID: Int]
        var workspaces: [Int: Int]
    }

    /// Finds every block's lifetime and place.
    func planMemory() -> Layout {
        var blocks: [MemoryPlan.Block] = []
        var index: [ValueID: Int] = [:]
        let end = graph.nodes.count
        for input in graph.inputs {
            // Inputs stay for the whole run, so that a caller may leave one as it is for the next.
            index[input] = blocks.count
            blocks.append(.init(byteCount: graph.type(of: input).byteCount, firstStep: 0, lastStep: end))
        }
        for (step, node) in graph.nodes.enumerated() where !prepared[step].isView {
            for output in node.outputs where written[output] == nil {
                let last = isOutput(output) ? end : max(step, readers[output]?.last ?? step)
                if let owner = block[output], let known = index[owner] {
                    index[output] = known
                    blocks[known].lastStep = max(blocks[known].lastStep, last)
                } else {
                    index[output] = blocks.count
                    blocks.append(
                        .init(byteCount: graph.type(of: output).byteCount, firstStep: step, lastStep: last))
                }
            }
        }
        var workspaces: [Int: Int] = [:]
        for step in graph.nodes.indices where prepared[step].workspace > .zero {
            workspaces[step] = blocks.count
            blocks.append(
                .init(byteCount: prepared[step].workspace.bytes, firstStep: step, lastStep: step))
        }
        return Layout(
            plan: MemoryPlan(blocks), sideBySide: blocks.reduce(0) { $0 + MemoryPlan.space(of: $1) },
            index: index, workspaces: workspaces)
    }
}

extension Lowering {
    /// The nodes that run, with their operands' places.
    func steps(_ layout: Layout) throws -> [ExecutionStep] {
        try graph.nodes.indices.filter { !prepared[$0].isView }.map { step in
            let node = graph.nodes[step]
            let inputs = try node.inputs.enumerated().map { place, value in
                if let packing = prepared[step].packings[place] {
                    precondition(
                        signatures[step].frozenInputs.contains(place),
                        "\(choices[step].kernel) packs an input that is not frozen")
                    return try packedPlace(of: value, packing)
                }
                return try self.place(of: value, layout)
            }
            let workspace = layout.workspaces[step].map { index in
                Place.arena(offset: layout.plan.offsets[index], size: prepared[step].workspace.bytes)
            }
            return ExecutionStep(
                name: node.name, operatorName: node.operator.name, kernel: prepared[step], inputs: inputs,
                outputs: try node.outputs.map { try place(of: $0, layout) }, workspace: workspace)
        }
    }

    /// Where the bytes of a value lie.
    func place(of value: ValueID, _ layout: Layout) throws -> Place {
        let root = root[value.index]
        let type = graph.type(of: root)
        if let name = parameterNames[root] ?? written[root] {
            return .parameter(name: name, type: parameterType(name))
        }
        if let tensor = graph.constants[root] {
            return .constant(index: try constantBuilder.index(of: root, tensor))
        }
        guard let index = layout.index[root] else {
            preconditionFailure("value \(graph.name(of: value)) has no place")
        }
        return .arena(offset: layout.plan.offsets[index], size: type.byteCount)
    }

    private func parameterType(_ name: String) -> TensorType {
        guard let id = graph.parameters.first(where: { graph.name(of: $0) == name }) else {
            preconditionFailure("\(name) is not a parameter")
        }
        return graph.type(of: id)
    }

    private func packedPlace(of value: ValueID, _ packing: Packing) throws -> Place {
        let root = root[value.index]
        if let name = parameterNames[root] {
            return .packedParameter(name: name, type: graph.type(of: root), packing: packing)
        }
        guard let tensor = graph.constants[root] else {
            preconditionFailure("only parameters and constants are frozen")
        }
        return .constant(index: try constantBuilder.index(of: root, tensor, packing))
    }

    /// The copies for assigned outputs that are not written in place.
    func finalCopies(_ layout: Layout) throws -> [(from: Place, parameter: String, type: TensorType)] {
        try assignments.compactMap { assignment in
            let value = graph.outputs[assignment.output]
            if written[root[value.index]] == assignment.parameter { return nil }
            return (try place(of: value, layout), assignment.parameter, parameterType(assignment.parameter))
        }
    }
}

/// Uploads constants once each, plain or packed.
private final class ConstantBuilder {
    private struct Key: Hashable {
        var value: ValueID
        var packing: String?
    }

    private let context: DeviceContext
    /// The caller's memory that is left; nil where there is none of the caller's.
    private var memory: DeviceBufferView?
    private var indices: [Key: Int] = [:]
    private var views: [DeviceBufferView] = []
    private var buffers: [OwnedBuffer] = []
    private var size = 0

    init(_ context: consuming DeviceContext, _ memory: DeviceBufferView?) {
        self.context = context
        self.memory = memory
    }

    var store: ConstantStore { ConstantStore(views: views, buffers: buffers, size: size) }

    func index(of value: ValueID, _ tensor: HostTensor, _ packing: Packing? = nil) throws -> Int {
        let key = Key(value: value, packing: packing?.key)
        if let known = indices[key] { return known }
        let stream = try context.makeStream()
        if let packing {
            // The plain form is needed only until it is packed.
            let plain = OwnedBuffer(
                try context.makeBuffer(of: ConstantBuilder.space(for: tensor.type.byteCount)))
            try unsafe tensor.withBytes { bytes in try unsafe plain.view.write(bytes, on: stream) }
            try plain.view.view(offset: 0, size: tensor.type.byteCount)
                .pack(as: packing, into: try makeView(packing.size.bytes), on: stream)
        } else {
            let view = try makeView(tensor.type.byteCount)
            try unsafe tensor.withBytes { bytes in try unsafe view.write(bytes, on: stream) }
        }
        indices[key] = views.count - 1
        return views.count - 1
    }

    private static func space(for bytes: Int) -> ByteCount {
        ByteCount(bytes: max(bytes, 1)).roundedUp(to: MemoryPlan.alignment)
    }

    /// The next view of the store.
    private func makeView(_ bytes: Int) throws -> DeviceBufferView {
        let space = ConstantBuilder.space(for: bytes)
        size += space.bytes
        if let left = memory {
            guard left.size >= space.bytes else {
                throw ExecutionError.constantMemoryTooSmall(least: ByteCount(bytes: size))
            }
            views.append(left.view(offset: 0, size: space.bytes))
            memory = left.view(offset: space.bytes, size: left.size - space.bytes)
        } else {
            buffers.append(OwnedBuffer(try context.makeBuffer(of: space)))
            views.append(buffers[buffers.count - 1].view)
        }
        return views[views.count - 1]
    }
}
