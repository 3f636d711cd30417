internal import Essentials

/// Takes the emptiest node, so that jobs share caches and memory bandwidth as little as possible.
package struct SpreadPlacement: PlacementPolicy {
    package init() {}

    package func terms(of candidate: NodeCandidate) -> [PlacementTerm] {
        [
            PlacementTerm("sub-healthy", candidate.isSubHealthy ? 1 : 0),
            PlacementTerm("not the preferred node", candidate.isPreferred ? 0 : 1),
            PlacementTerm("distance to the device", candidate.deviceDistance),
            PlacementTerm("share of the device left, negated", -candidate.deviceLeft.units),
            PlacementTerm("core time left on the machine, negated", -candidate.machineCoresLeft.units),
            PlacementTerm("core time left, negated", -candidate.coresLeft.units),
            PlacementTerm("memory left, negated", -candidate.memoryLeft.bytes),
        ]
    }
}
