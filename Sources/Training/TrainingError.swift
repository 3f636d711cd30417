package import Essentials

/// Why a training run cannot start or go on.
package enum TrainingError: ReportableError, Hashable {
    case malformedData(name: String, line: Int, reason: String)
    case invalidPlan(String)
    case diverged(step: Int)
    case fileAccess(path: String, doing: String, reason: String)
    case notACheckpoint(path: String, reason: String)
    case otherModel(reason: String)

    package var summary: String {
        switch self {
        case .malformedData(let name, let line, let reason): "Line \(line) of the \(name) data \(reason)."
        case .invalidPlan(let sentence): sentence
        case .diverged(let step): "The loss at step \(step) is not a number: the training has diverged."
        case .fileAccess(let path, let doing, let reason): "Cannot \(doing) \(path): \(reason)."
        case .notACheckpoint(let path, let reason): "\(path) is not a whole checkpoint: \(reason)."
        case .otherModel(let reason): "The checkpoint belongs to another training run: \(reason)."
        }
    }

    package var nextStep: String? {
        switch self {
        case .malformedData: "Restore the file from the repository."
        case .invalidPlan: nil
        case .diverged: "Train with a lower learning rate, or with a warm-up."
        case .fileAccess: "Check the path, its permissions, and the space on its disk."
        case .notACheckpoint: "Resume from an earlier checkpoint, or start anew."
        case .otherModel: "Give the model and the optimizer that the checkpoint was made with."
        }
    }

    package var exitCode: ExitCode {
        if case .invalidPlan = self { .wrongUse } else { .executionFailed }
    }
}
