package import AcceleratorAPI
internal import ComputeGraph
package import Essentials
package import KernelInterface

/// A device with the kernels it offers.
package struct DeviceKernels: Sendable {
    package var device: Device
    package var kernels: any KernelProvider

    package init(device: Device, kernels: any KernelProvider) {
        self.device = device
        self.kernels = kernels
    }
}

/// Where a node of a partitioned graph runs, and why not on the devices before.
package struct NodePlacement: Sendable {
    package var node: String
    package var operatorName: String
    package var device: DeviceID
    /// The reasons of the devices that were asked first, in their order.
    package var refusals: [DeviceRefusal]

    /// A device that does not take a node: what each of its kernels said.
    package struct DeviceRefusal: Sendable {
        package var device: DeviceID
        package var refusals: [KernelChoice.Refused]
    }
}

extension [DeviceKernels] {
    /// For each node the first device that takes it, by its place in this list.
    func place(_ graph: Graph, demand: Arithmetic) throws -> (devices: [Int], placements: [NodePlacement]) {
        var (devices, placements): ([Int], [NodePlacement]) = ([], [])
        let frozen = Set(graph.constants.keys).union(graph.parameters)
        for node in graph.nodes {
            let signature = NodeSignature(
                operator: node.operator, inputs: node.inputs.map(graph.type(of:)),
                outputs: node.outputs.map(graph.type(of:)),
                frozenInputs: Set(node.inputs.indices.filter { frozen.contains(node.inputs[$0]) }),
                demand: demand)
            var refused: [NodePlacement.DeviceRefusal] = []
            var found: Int?
            for (index, candidate) in enumerated() {
                let (kernel, refusals) = candidate.kernels.choose(for: signature)
                if kernel != nil {
                    found = index
                    break
                }
                refused.append(NodePlacement.DeviceRefusal(device: candidate.device.id, refusals: refusals))
            }
            guard let found else {
                throw ExecutionError.noKernel(
                    node: node.name, operatorName: node.operator.name, refusals: refused.flatMap(\.refusals))
            }
            devices.append(found)
            placements.append(
                NodePlacement(
                    node: node.name, operatorName: node.operator.name, device: self[found].device.id,
                    refusals: refused))
        }
        return (devices, placements)
    }
}
