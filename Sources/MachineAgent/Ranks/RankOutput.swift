/// Where the ranks of a job write to.
package enum RankOutput: Hashable, Sendable {
    /// To our own outputs, unmarked.
    case inherited
    /// Each to `rank-N.out` and `rank-N.err` in the run folder, which stays.
    case files
    /// Line by line to two open descriptors, each line led by its rank as in `[0] text`.
    ///
    /// The run folder is removed when the job ends.
    case labelled(output: Int32, error: Int32)

    var isLabelled: Bool { if case .labelled = self { true } else { false } }
}

/// The two outputs of a rank, by the ends of their files' names.
enum RankEnd: String {
    case output = "out"
    case error = "err"
}

extension RankSpecification {
    /// The file, or the named pipe, that one output of a rank goes through.
    func file(_ rank: Int, _ end: RankEnd) -> String { "\(runFolder)/rank-\(rank).\(end.rawValue)" }
}
