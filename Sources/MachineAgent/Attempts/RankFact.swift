package import ControlAPI
internal import Essentials
internal import Scheduling

/// How one rank of an attempt came to its end.
package enum RankFact: Hashable, Sendable {
    case ended(StepOutcome)
    /// Its program could not be started, for the reason given.
    case failed(String)
    /// The agent ended before the rank was started, and now it never will be.
    case neverStarted
    /// Its supervisor was killed.
    case lost

    var isSuccess: Bool {
        if case .ended(let outcome) = self { outcome.verdict.isSuccess } else { false }
    }

    fileprivate var outcome: StepOutcome? { if case .ended(let outcome) = self { outcome } else { nil } }
}

extension AttemptEnd {
    /// Decides from the facts of all ranks alone, so that the same facts always make the same end.
    ///
    /// A rank that we stopped has not failed. A rank that was lost takes the others along in ways that look like
    /// failures of their own, so it comes first; among the rest, the first in time is the cause.
    package init(_ facts: [RankFact], firstRank: Int) {
        let outcomes = facts.compactMap(\.outcome)
        let (outcome, rank) = Self.cause(facts)
        self.init(
            outcome: outcome, firstFailure: rank.map { $0 + firstRank }, usage: AttemptUsage(outcomes),
            remarks: Self.remarks(facts, firstRank: firstRank))
    }

    private static func cause(_ facts: [RankFact]) -> (JobOutcome, Int?) {
        for (rank, fact) in facts.enumerated() {
            if case .failed(let why) = fact { return (.launchFailed(why), rank) }
        }
        if let lost = facts.firstIndex(where: { $0 == .lost || $0 == .neverStarted }) {
            return (.supervisorLost, lost)
        }
        let failures = facts.indices.filter { rank in
            facts[rank].outcome.map { !$0.verdict.isSuccess && $0.verdict != .stopped } ?? false
        }
        let first = failures.min { left, right in
            (facts[left].outcome?.usage.ended ?? .zero, left) < (
                facts[right].outcome?.usage.ended ?? .zero, right
            )
        }
        if let first, let outcome = facts[first].outcome { return (JobOutcome(outcome.evidence), first) }
        // Only successes and what we stopped ourselves are left.
        let ends = facts.compactMap { $0.outcome.map { JobOutcome($0.evidence) } }
        return (ends.first { $0 != .exited(code: 0) } ?? .exited(code: 0), nil)
    }

    private static func remarks(_ facts: [RankFact], firstRank: Int) -> [String] {
        facts.enumerated().flatMap { rank, fact in
            let remarks =
                switch fact {
                case .ended(let outcome): outcome.remarks
                case .neverStarted: ["It was not started, because the agent ended first."]
                case .lost: ["Its supervisor heng-step was killed; what it left running was ended."]
                case .failed: [String]()
                }
            return facts.count == 1 ? remarks : remarks.map { "Rank \(firstRank + rank): \($0)" }
        }
    }
}

extension AttemptUsage {
    fileprivate init(_ outcomes: [StepOutcome]) {
        guard let started = outcomes.map(\.usage.started).min(), let ended = outcomes.map(\.usage.ended).max()
        else {
            self.init()
            return
        }
        let throttled = outcomes.compactMap(\.usage.throttledTime)
        self.init(
            elapsed: ended - started, userTime: outcomes.reduce(.zero) { $0 + $1.usage.userTime },
            systemTime: outcomes.reduce(.zero) { $0 + $1.usage.systemTime },
            memoryPeak: outcomes.compactMap(\.usage.memoryPeak).max(),
            throttledTime: throttled.isEmpty ? nil : throttled.reduce(.zero, +))
    }
}
