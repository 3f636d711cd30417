internal import Essentials

/// Why a model, or a file with a value for one, cannot be used.
package enum ONNXError: ReportableError, Hashable {
    /// The bytes are not what the format allows.
    case malformed(what: String, reason: String)
    case node(name: String, operatorName: String, reason: String)
    case unsupported(node: String, operatorName: String, domain: String)
    case wrongInput(name: String, reason: String)
    case externalData(tensor: String, reason: String)
    /// A node whose shapes depend on a value that only a run can tell.
    case valueNeeded(node: String, operatorName: String, value: String)

    package var summary: String {
        switch self {
        case .malformed(let what, let reason): "\(what) is not valid ONNX: \(reason)."
        case .node(let name, _, let reason): "Node \(name): \(reason)"
        case .unsupported(let node, let name, let domain):
            "Node \(node): there is no operator \(name)\(domain.isEmpty ? "" : " in the domain \(domain)")."
        case .valueNeeded(let node, _, let value):
            "Node \(node): its shapes depend on the value \(value), which is known only when the model runs."
        case .wrongInput(let name, let reason): "The input \(name) \(reason)."
        case .externalData(let tensor, let reason): "The tensor \(tensor) lies in another file: \(reason)."
        }
    }

    package var nextStep: String? {
        switch self {
        case .malformed: "Export the model again, or look at it with `heng model check`."
        case .unsupported: "`heng model check` lists all nodes that cannot run."
        case .wrongInput: "`heng model inspect` shows the inputs with their types."
        case .valueNeeded: "Give the inputs with `heng model run`."
        case .node, .externalData: nil
        }
    }
}

extension ONNXError {
    package var needsValue: Bool {
        if case .valueNeeded = self { true } else { false }
    }
}
