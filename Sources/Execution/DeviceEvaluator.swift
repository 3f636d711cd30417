package import AcceleratorAPI
package import ComputeGraph
package import KernelInterface

/// Runs graphs on a device, each once: prepared, run and forgotten.
package struct DeviceEvaluator: GraphEvaluator {
    private let device: Device
    private let kernels: any KernelProvider

    package init(device: Device, kernels: any KernelProvider) {
        self.device = device
        self.kernels = kernels
    }

    package func run(_ graph: Graph, inputs: [HostTensor]) throws -> [HostTensor] {
        let executable = try Executable(graph: graph, device: device, kernels: kernels)
        return try Session(executable).run(inputs: inputs)
    }
}
