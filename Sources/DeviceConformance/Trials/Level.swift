/// What a group of cases is about, so that a maker can claim something small early.
package enum Level: String, Codable, Hashable, Sendable, CaseIterable {
    case load = "L0"
    case runtime = "L1"
    case operators = "L2"
    case models = "L3"
    case robustness = "L4"
    case performance = "P"
    case determinism = "D"

    package var title: String {
        switch self {
        case .load: "loading"
        case .runtime: "runtime"
        case .operators: "operators"
        case .models: "models"
        case .robustness: "robustness"
        case .performance: "performance"
        case .determinism: "determinism"
        }
    }

    /// The first part of the names of its cases.
    package var prefix: String { self == .load ? "load" : title }
}
