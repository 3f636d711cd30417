internal import Essentials

/// Keeps a job's memory, cores and devices as close together as the machine allows, and large free pieces whole.
///
/// An exact fit is best, a larger rest is worse, and distances come before both: R4011-34 in our reading.
package struct AffinityPlacement: PlacementPolicy {
    package init() {}

    package func terms(of candidate: NodeCandidate) -> [PlacementTerm] {
        [
            PlacementTerm("sub-healthy", candidate.isSubHealthy ? 1 : 0),
            PlacementTerm("not the preferred node", candidate.isPreferred ? 0 : 1),
            PlacementTerm("distance to the device", candidate.deviceDistance),
            PlacementTerm("distance to the ranks placed before", candidate.rankDistance),
            PlacementTerm("whole cores broken", candidate.wholeCoresBroken),
            PlacementTerm("core time left, 1/10000 core", candidate.coresLeft.units),
            PlacementTerm("memory left, bytes", candidate.memoryLeft.bytes),
        ]
    }
}
