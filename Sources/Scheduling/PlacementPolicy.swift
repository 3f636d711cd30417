package import Essentials

/// How a node is chosen among those with room.
///
/// A policy turns each candidate into named terms; the candidate with the smallest terms, compared in order, wins, and
/// the first term in which it beats the runner-up is the reason that people read. To add a policy, write one file in
/// `Policies/` and name it in `Policies/PolicyNames.swift`.
package protocol PlacementPolicy: Sendable {
    func terms(of candidate: NodeCandidate) -> [PlacementTerm]
}

/// A node with room for one rank, and what it would look like afterwards.
package struct NodeCandidate: Hashable, Codable, Sendable {
    package var machine: String
    package var node: Int
    package var device: DeviceID
    /// False when the job prefers another node.
    package var isPreferred: Bool
    /// From the node to the device's own memory; 10 is local, as firmware counts.
    package var deviceDistance: Int
    package var deviceLeft: DeviceShare
    package var coresLeft: CoreAmount
    package var wholeCoresBroken: Int
    package var memoryLeft: ByteCount
    /// Over all nodes of the machine.
    package var machineCoresLeft = CoreAmount.zero
    /// From the node to the nearest rank of the job that is placed already; 10 for the first one.
    package var rankDistance = 10
    /// Usable, but the last to be chosen.
    package var isSubHealthy = false
    /// How long the job's workload takes here, where that is known.
    package var measuredMilliseconds: Int?
}

/// One reason for or against a candidate; less is better.
package struct PlacementTerm: Hashable, Codable, Sendable {
    package var name: String
    package var value: Int

    package init(_ name: String, _ value: Int) {
        self.name = name
        self.value = value
    }
}

/// Why the first rank of a job lies where it does: kept with the job and printed by `explain`.
package struct PlacementDecision: Hashable, Codable, Sendable {
    package struct Scored: Hashable, Codable, Sendable {
        package var candidate: NodeCandidate
        package var terms: [PlacementTerm]
    }

    package var policy: String
    package var chosen: Scored
    /// The second best, or nil when only one node had room.
    package var runnerUp: Scored?
    /// What a person should know about how the ranks lie, such as that several share a node.
    package var note: String?
}

extension PlacementDecision: CustomStringConvertible {
    package var description: String {
        let winner = "node \(chosen.candidate.node)"
        return [because(winner), note].compactMap { $0 }.joined(separator: " ")
    }

    private func because(_ winner: String) -> String {
        guard let runnerUp else { return "On \(winner), the only one with room." }
        let other = "node \(runnerUp.candidate.node)"
        for (mine, theirs) in zip(chosen.terms, runnerUp.terms) where mine.value != theirs.value {
            return "On \(winner) before \(other): \(mine.name) is \(mine.value), against \(theirs.value)."
        }
        return "On \(winner), which is as good as \(other) and comes first."
    }
}
