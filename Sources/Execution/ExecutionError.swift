package import ComputeGraph
package import Essentials
package import KernelInterface

/// Why a graph cannot be made executable, or an executable cannot be run with what was given.
package enum ExecutionError: ReportableError, Sendable {
    case noKernel(node: String, operatorName: String, refusals: [KernelChoice.Refused])
    case missingParameter(name: String, type: TensorType)
    case wrongParameter(name: String, expected: TensorType, given: TensorType)
    case unknownParameter(name: String)
    case wrongInputs(expected: [TensorType], given: [TensorType])
    case wrongAssignment(output: Int, parameter: String, reason: String)
    /// The caller's memory for constants is too small, and `least` is known to be needed.
    case constantMemoryTooSmall(least: ByteCount)

    package var summary: String {
        switch self {
        case .noKernel(let node, let name, let refusals):
            "No kernel of this device takes the node \(node) (\(name))"
                + (refusals.isEmpty
                    ? "." : ": \(refusals.map { "\($0.kernel): \($0.refusal)" }.joined(separator: " "))")
        case .missingParameter(let name, let type): "The parameter \(name) (\(type)) has no value."
        case .wrongParameter(let name, let expected, let given):
            "The parameter \(name) is \(expected), but \(given) was given."
        case .unknownParameter(let name): "There is no parameter \(name)."
        case .wrongInputs(let expected, let given):
            "The graph takes \(listed(expected)), but \(listed(given)) was given."
        case .wrongAssignment(let output, let parameter, let reason):
            "Output \(output) cannot be assigned to the parameter \(parameter): \(reason)"
        case .constantMemoryTooSmall(let least):
            "The memory given for the constants is too small: at least \(least) are needed."
        }
    }

    package var nextStep: String? {
        switch self {
        case .noKernel(_, _, let refusals):
            refusals.contains { [.determinism, .accumulation].contains($0.refusal.kind) }
                ? "Ask less of the results, or choose another device."
                : "Offer the reference kernel last, or choose another device."
        case .missingParameter, .wrongParameter, .unknownParameter:
            "Load weights that were made for this graph."
        case .wrongInputs: "Give one tensor per graph input, in the graph's order and of its types."
        case .wrongAssignment: nil
        case .constantMemoryTooSmall: "Ask first how much is needed, or give none."
        }
    }
}

private func listed(_ types: [TensorType]) -> String {
    types.isEmpty ? "nothing" : types.map(\.description).joined(separator: ", ")
}
