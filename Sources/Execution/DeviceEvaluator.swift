package import AcceleratorAPI
package import ComputeGraph
package import KernelInterface
internal import Synchronization

/// Runs the parts of a model on one device, with the device's kernels, as their shapes become known.
///
/// Each part is made executable, run once and dropped: for a model whose shapes are known before it runs, make one
/// `Executable` and keep it.
package final class DeviceEvaluator: GraphEvaluator {
    private let device: Device
    private let kernels: any KernelProvider
    private let options: Executable.Options
    private let record = Mutex<[KernelChoice]>([])

    package init(device: Device, kernels: any KernelProvider, options: Executable.Options = .init()) {
        self.device = device
        self.kernels = kernels
        self.options = options
    }

    /// The kernels that have been taken, in the order of running.
    package var choices: [KernelChoice] { record.withLock { $0 } }

    package func run(_ graph: Graph, inputs: [HostTensor]) throws -> [HostTensor] {
        let executable = try Executable(graph: graph, device: device, kernels: kernels, options: options)
        record.withLock { $0 += executable.choices }
        return try Session(executable).run(inputs: inputs)
    }
}
