internal import Essentials

/// Takes the place where the job ends first, by what was measured; places whose speed is not known come after.
///
/// Speeds are learned from ended jobs of the same workload and from benchmarks, and count once there are enough that
/// agree (`SpeedBook`).
package struct FastestFinishPlacement: PlacementPolicy {
    package init() {}

    package func terms(of candidate: NodeCandidate) -> [PlacementTerm] {
        [
            PlacementTerm("sub-healthy", candidate.isSubHealthy ? 1 : 0),
            PlacementTerm("speed unknown", candidate.measuredMilliseconds == nil ? 1 : 0),
            PlacementTerm("measured time, ms", candidate.measuredMilliseconds ?? 0),
        ] + BestFitPlacement().terms(of: candidate)
    }
}
