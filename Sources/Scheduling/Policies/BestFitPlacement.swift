internal import Essentials

/// Fills the node where least is left over, so that large free pieces stay for large jobs.
package struct BestFitPlacement: PlacementPolicy {
    package init() {}

    package func terms(of candidate: NodeCandidate) -> [PlacementTerm] {
        [
            PlacementTerm("sub-healthy", candidate.isSubHealthy ? 1 : 0),
            PlacementTerm("not the preferred node", candidate.isPreferred ? 0 : 1),
            PlacementTerm("distance to the device", candidate.deviceDistance),
            PlacementTerm("share of the device left, 1/10000", candidate.deviceLeft.units),
            PlacementTerm("whole cores broken", candidate.wholeCoresBroken),
            PlacementTerm("core time left, 1/10000 core", candidate.coresLeft.units),
            PlacementTerm("memory left, bytes", candidate.memoryLeft.bytes),
        ]
    }
}
