internal import ComputeGraph
internal import Essentials
internal import Execution
internal import KernelInterface
package import ONNXImport

/// Which kernel each node of a model takes on a device, and why the ones before it refused.
package struct ModelExplanation: Sendable, Codable {
    package var nodes: [ExplainedNode]
    /// The memory of one session for inputs, intermediate values, outputs and workspaces; nil where shapes depend on
    /// values, and the model was run in parts to learn them.
    package var arenaBytes: Int?

    package struct ExplainedNode: Sendable, Codable {
        package var node: String
        package var operatorName: String
        /// The device, where there was a choice of several.
        package var device: String?
        package var kernel: String
        package var refusals: [Refused]
    }

    package struct Refused: Sendable, Codable {
        /// The device, where there was a choice of several.
        package var device: String?
        package var kernel: String
        package var reason: String
    }

    /// Prepares the model for inputs of the given extents, and runs it on random inputs only where it must.
    package init(of model: ONNXModel, extents: [String: Int], setup: ModelSetup) throws {
        let devices = try setup.deviceKernels()
        let options = Executable.Options(demand: setup.demand)
        do {
            let graph = try model.graph(for: OpenDimensions(of: model).types(extents))
            let executable = try PartitionedExecutable(graph: graph, devices: devices, options: options)
            nodes = ModelExplanation.nodes(executable.choices, executable.placements, devices.count)
            arenaBytes = executable.arenaSize.bytes
        } catch let error as ONNXError where error.needsValue {
            let evaluator = DeviceEvaluator(devices: devices, options: options, limits: setup.limits)
            let values = try RandomInputs.values(for: model, extents: extents, seed: 1, limits: setup.limits)
            _ = try model.run(values, evaluator: evaluator)
            nodes = ModelExplanation.nodes(evaluator.choices, evaluator.placements, devices.count)
        }
    }

    /// Kernels by node; with several devices, also where the node went and why not elsewhere.
    private static func nodes(
        _ choices: [KernelChoice], _ placements: [NodePlacement], _ deviceCount: Int
    ) -> [ExplainedNode] {
        guard deviceCount > 1 else { return choices.map(ExplainedNode.init) }
        let known = Dictionary(choices.map { ($0.node, $0) }, uniquingKeysWith: { first, _ in first })
        return placements.map { placement in
            let choice = known[placement.node]
            let device = placement.device.description
            let elsewhere = placement.refusals.flatMap { refused in
                refused.refusals.map {
                    Refused(
                        device: refused.device.description, kernel: $0.kernel, reason: $0.refusal.reason)
                }
            }
            let here = (choice?.refusals ?? []).map {
                Refused(device: device, kernel: $0.kernel, reason: $0.refusal.reason)
            }
            // A node without a kernel of its own was taken up by the product before it.
            return ExplainedNode(
                node: placement.node, operatorName: placement.operatorName, device: device,
                kernel: choice?.kernel ?? "fused", refusals: elsewhere + here)
        }
    }
}

extension ModelExplanation.ExplainedNode {
    fileprivate init(_ choice: KernelChoice) {
        self.init(
            node: choice.node, operatorName: choice.operatorName, kernel: choice.kernel,
            refusals: choice.refusals.map {
                ModelExplanation.Refused(kernel: $0.kernel, reason: $0.refusal.reason)
            })
    }
}
