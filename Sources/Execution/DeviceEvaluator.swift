package import AcceleratorAPI
package import ComputeGraph
internal import Essentials
package import KernelInterface
internal import Synchronization

/// Runs the parts of a model on one device or several, with their kernels, as their shapes become known.
///
/// Each part is made executable, run once and dropped: for a model whose shapes are known before it runs, make one
/// `Executable` and keep it.
package final class DeviceEvaluator: GraphEvaluator {
    /// A node goes to the first that takes it.
    private let devices: [DeviceKernels]
    private let options: Executable.Options
    private let record = Mutex<[KernelChoice]>([])
    private let placed = Mutex<[NodePlacement]>([])
    private let account: Mutex<ModelAccount>

    package convenience init(
        device: Device, kernels: any KernelProvider, options: Executable.Options = .init(),
        limits: ModelLimits = .none
    ) {
        self.init(
            devices: [DeviceKernels(device: device, kernels: kernels)], options: options, limits: limits)
    }

    /// Each node runs on the first of the devices that takes it.
    package init(
        devices: [DeviceKernels], options: Executable.Options = .init(), limits: ModelLimits = .none
    ) {
        precondition(!devices.isEmpty, "a model needs a device")
        self.devices = devices
        self.options = options
        account = Mutex(ModelAccount(limits))
    }

    /// Where nodes have been placed, part by part.
    package var placements: [NodePlacement] { placed.withLock { $0 } }

    /// The kernels that have been taken, in the order of running.
    package var choices: [KernelChoice] { record.withLock { $0 } }

    package func run(_ graph: Graph, inputs: [HostTensor]) throws -> [HostTensor] {
        try run(graph, inputs: inputs, within: .max)
    }

    package func run(_ graph: Graph, inputs: [HostTensor], within bytes: Int) throws -> [HostTensor] {
        let constants = graph.constants.values.reduce(0) { $0.saturatingSum($1.type.byteCount) }
        try require(constants, within: bytes)
        let executable = try PartitionedExecutable(graph: graph, devices: devices, options: options)
        let outputs = graph.outputs.reduce(0) { $0.saturatingSum(graph.type(of: $1).byteCount) }
        let scratch = try executable.parts.map { try noteWork(of: $0.executable) }.max() ?? 0
        try require(
            [executable.arenaSize.bytes, constants, outputs, scratch].reduce(0) { $0.saturatingSum($1) },
            within: bytes)
        record.withLock { $0 += executable.choices }
        placed.withLock { $0 += executable.placements }
        return try PartitionedSession(executable).run(inputs: inputs)
    }

    private func require(_ needed: Int, within bytes: Int) throws(GraphError) {
        guard needed <= bytes else {
            throw .limitPassed(.memory, account.withLock { $0.limits.memory })
        }
    }

    /// Counts what a run computes, and returns the bytes that its reference implementations need beside their operands.
    private func noteWork(of executable: Executable) throws -> Int {
        var scratch = 0
        let graph = executable.graph
        for (node, choice) in zip(graph.nodes, executable.choices) {
            let (inputs, outputs) = (node.inputs.map(graph.type(of:)), node.outputs.map(graph.type(of:)))
            let isReference = choice.kernel == KernelChoice.reference
            let work = node.operator.work(inputs: inputs, outputs: outputs)
            try account.withLock { account throws(GraphError) in
                try account.spend(work, byReference: isReference)
            }
            guard isReference else { continue }
            let elements = (inputs + outputs).reduce(0) { $0.saturatingSum($1.shape.count) }
            scratch = max(scratch, elements.saturatingProduct(ModelLimits.referenceBytes))
        }
        return scratch
    }
}
