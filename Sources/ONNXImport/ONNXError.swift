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
    /// The last part of a model, for whose outputs no node waited.
    case failed(reason: String)

    /// Names and reasons come from a file: they are shown as one line of bearable length.
    package var summary: String {
        switch self {
        case .malformed(let what, let reason): "\(brief(what)) is not valid ONNX: \(brief(reason))."
        case .node(let name, _, let reason): "Node \(brief(name)): \(brief(reason))"
        case .unsupported(let node, let name, let domain):
            "Node \(brief(node)): there is no operator \(brief(name))"
                + "\(domain.isEmpty ? "" : " in the domain \(brief(domain))")."
        case .valueNeeded(let node, _, let value):
            "Node \(brief(node)): its shapes depend on the value \(brief(value)), which is known only when the "
                + "model runs."
        case .wrongInput(let name, let reason): "The input \(brief(name)) \(brief(reason))."
        case .externalData(let tensor, let reason):
            "The tensor \(brief(tensor)) lies in another file: \(brief(reason))."
        case .failed(let reason): "The model cannot be run: \(brief(reason))"
        }
    }

    package var nextStep: String? {
        switch self {
        case .malformed: "Export the model again, or look at it with `heng model check`."
        case .unsupported: "`heng model check` lists all nodes that cannot run."
        case .wrongInput: "`heng model inspect` shows the inputs with their types."
        case .valueNeeded: "Give the inputs with `heng model run`."
        case .node, .externalData, .failed: nil
        }
    }
}

extension ONNXError {
    package var needsValue: Bool {
        if case .valueNeeded = self { true } else { false }
    }
}

/// Text from a file as part of a sentence: without control characters, and cut where it is long.
private func brief(_ text: String) -> String {
    let limit = 400
    var result = String.UnicodeScalarView()
    for scalar in text.unicodeScalars.prefix(limit) {
        result.append(scalar.properties.generalCategory == .control ? "\u{FFFD}" : scalar)
    }
    // The end is kept, where a sentence's full stop is.
    if text.unicodeScalars.dropFirst(limit).isEmpty { return String(result) }
    return String(result) + (text.hasSuffix(".") ? " ... ." : " ...")
}
