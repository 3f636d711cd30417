internal import Backends
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
        package var kernel: String
        package var refusals: [Refused]
    }

    package struct Refused: Sendable, Codable {
        package var kernel: String
        package var reason: String
    }

    /// Prepares the model for inputs of the given extents, and runs it on random inputs only where it must.
    package init(of model: ONNXModel, extents: [String: Int], setup: ModelSetup) throws {
        let kernels = try Backends.kernels(for: setup.device)
        do {
            let graph = try model.graph(for: OpenDimensions(of: model).types(extents))
            let executable = try Executable(graph: graph, device: setup.device, kernels: kernels)
            nodes = executable.choices.map(ExplainedNode.init)
            arenaBytes = executable.arenaSize.bytes
        } catch let error as ONNXError where error.needsValue {
            let evaluator = DeviceEvaluator(device: setup.device, kernels: kernels, limits: setup.limits)
            let values = try RandomInputs.values(for: model, extents: extents, seed: 1, limits: setup.limits)
            _ = try model.run(values, evaluator: evaluator)
            nodes = evaluator.choices.map(ExplainedNode.init)
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
