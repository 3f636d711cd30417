internal import ControlAPI
internal import Essentials

/// An attempt that the agent knows, with what its supervisors have said.
///
/// Only the host's thread touches it.
final class Attempt {
    struct Rank {
        /// Nil before there is one, and after the rank is over.
        var link: SupervisorLink?
        /// Its control groups, for new limits.
        var groups: [StepLimits.Group] = []
        /// What its supervisor said when the program was started.
        var started: SupervisorLine?
        var fact: RankFact?
        var isFrozen = false
        /// The supervisor waits until we keep the end, because it could not.
        var isUnwritten = false
        var remarks: [String] = []
    }

    let id: AttemptID
    let folder: AttemptFolder
    var record: AttemptRecord?
    var ranks: [Rank]
    var end: AttemptEnd?
    var hasReportedStart = false
    var isSuspended = false
    /// Its accelerators are being cleared, after which its end is told.
    var isClearing = false

    init(_ folder: AttemptFolder, record: AttemptRecord?, ranks: [Rank]) {
        id = folder.attempt
        self.folder = folder
        self.record = record
        self.ranks = ranks
    }

    var state: AttemptStatus.State {
        if let end { return .ended(end) }
        if isSuspended { return .suspended }
        return ranks.allSatisfy { $0.started != nil || $0.fact != nil } ? .running : .starting
    }

    /// Whether a rank of it did not complete.
    var hasFailed: Bool { ranks.contains { $0.fact.map { !$0.isSuccess } ?? false } }

    /// What is said of it once all ranks have started.
    var run: AttemptRun {
        AttemptRun(
            processes: ranks.map { $0.started?.code("pid") ?? 0 }, enforcement: record?.enforcement ?? [],
            files: record?.files ?? [])
    }

    func limits(ofRank rank: Int) -> StepLimitsInForce {
        record?.limits(ofRank: rank) ?? StepLimitsInForce(memory: nil, strictNodes: nil)
    }

    /// Sends a command to all ranks that still run.
    func tell(_ bytes: [UInt8]) {
        for rank in ranks where rank.fact == nil { rank.link?.send(bytes) }
    }
}
