package import Essentials

/// The names of job states, which scripts read and people filter by.
package enum StateText {
    /// All states that a job can be in, waiting ones first.
    package static let all = [
        "HELD", "PENDING", "LAUNCHING", "RUNNING", "SUSPENDED", "PREEMPTING", "COMPLETING", "COMPLETED",
        "FAILED",
        "CANCELLED", "TIMEOUT", "DEADLINE", "OUT_OF_MEMORY", "PREEMPTED", "LAUNCH_FAILED", "NODE_FAIL",
    ]

    /// Slurm's two letters.
    private static let short: [String: String] = [
        "PD": "PENDING", "CF": "LAUNCHING", "R": "RUNNING", "S": "SUSPENDED", "CG": "COMPLETING",
        "CD": "COMPLETED",
        "F": "FAILED", "CA": "CANCELLED", "TO": "TIMEOUT", "DL": "DEADLINE", "OOM": "OUT_OF_MEMORY",
        "PR": "PREEMPTED", "BF": "LAUNCH_FAILED", "NF": "NODE_FAIL",
    ]

    /// States after which nothing more happens.
    package static let ended: Set<String> = [
        "COMPLETED", "FAILED", "CANCELLED", "TIMEOUT", "DEADLINE", "OUT_OF_MEMORY", "PREEMPTED",
        "LAUNCH_FAILED",
        "NODE_FAIL",
    ]

    /// Reads `running`, `R` and lists of them with commas.
    package static func read(_ texts: [String], option: String = "--state") throws(Failure) -> [String] {
        var states: [String] = []
        for text in texts.flatMap({ $0.split(separator: ",", omittingEmptySubsequences: false) }) {
            let upper = text.uppercased()
            guard let state = short[upper] ?? (all.contains(upper) ? upper : nil) else {
                throw mistake(
                    "\(option) \(shown(text)) is no state of a job.",
                    "There are: \(all.joined(separator: ", ").lowercased()).")
            }
            states.append(state)
        }
        return states
    }
}
