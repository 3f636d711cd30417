internal import Essentials

#if canImport(Glibc)
internal import Glibc
#endif

/// Why processes could not work together.
package enum CollectiveError: ReportableError, Hashable {
    /// A shared file cannot be created, opened or mapped.
    case region(path: String, code: Int32)
    /// The file is not a region of this version of ours, or it is cut short.
    case notOurs(path: String)
    case rankTaken(Int, process: Int32)
    case worldMismatch(path: String, expected: Int, found: Int)
    /// Ranks did not come to a common step in time.
    case missing(ranks: [Int], after: Duration)
    /// Ranks will not come, because their processes have ended.
    case ended(ranks: [Int])
    /// Another rank gave up before.
    case abandoned(by: Int)
    case replicaTaken(Int, process: Int32)
    case timedOut(waitingFor: String, after: Duration)
    case closed
    case rankTable(path: String, reason: String)
    case environment(variable: String, value: String?)
    case system(call: String, code: Int32)

    package var summary: String {
        switch self {
        case .region(let path, let code): "The shared region \(path) cannot be used: \(describe(code))."
        case .notOurs(let path): "\(path) is not a shared region of this version, or it is cut short."
        case .rankTaken(let rank, let process): "Rank \(rank) is taken by process \(process)."
        case .worldMismatch(let path, let expected, let found):
            "\(path) is for \(found) ranks, and not for \(expected)."
        case .missing(let ranks, let after):
            "\(name(ranks)) did not come to a common step within \(after.inSeconds.formatted(digits: 1)) s."
        case .ended(let ranks): "\(name(ranks)) ended while the others wait."
        case .abandoned(let rank): "Rank \(rank) gave up, and no common step is possible any more."
        case .replicaTaken(let replica, let process): "Replica \(replica) is taken by process \(process)."
        case .timedOut(let what, let after):
            "\(what) did not come within \(after.inSeconds.formatted(digits: 1)) s."
        case .closed: "The request queue is closed."
        case .rankTable(let path, let reason): "The rank table \(path) cannot be used: \(reason)"
        case .environment(let variable, let value):
            value.map { "The variable \(variable) has the unusable value \($0)." }
                ?? "The variable \(variable) is not set."
        case .system(let call, let code): "\(call) failed: \(describe(code))."
        }
    }

    package var nextStep: String? {
        switch self {
        case .region(_, let code) where code == ENOSPC:
            "Make room there; /dev/shm is limited by the machine's memory."
        case .region, .rankTable: "Start the ranks again with `heng submit --ranks`."
        case .notOurs: "Start all ranks from the same build."
        case .missing, .ended: "See the output of those ranks."
        case .abandoned: "See the output of that rank."
        case .environment: "Start the program with `heng submit --ranks`, which sets it."
        case .rankTaken, .worldMismatch, .replicaTaken, .timedOut, .closed, .system: nil
        }
    }
}

private func name(_ ranks: [Int]) -> String {
    ranks.count == 1 ? "Rank \(ranks[0])" : "Ranks \(ranks.map(String.init).joined(separator: ", "))"
}

/// The C library's sentence for an error number.
private func describe(_ code: Int32) -> String {
    guard let text = unsafe strerror(code) else { return "error \(code)" }
    return unsafe String(cString: text)
}
