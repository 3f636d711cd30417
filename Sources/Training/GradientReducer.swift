/// What joins the gradients of the ranks that train one model together.
///
/// Between a step's gradients and its update, every rank hands in its gradients as one flat run of numbers (and its
/// loss as the last of them). Each must get back the same bits, or the ranks' parameters drift apart.
package protocol GradientReducer: Sendable {
    var rank: Int { get }
    var rankCount: Int { get }

    /// Replaces each number by its sum over all ranks; returns when this rank's are ready.
    func sum(_ numbers: inout MutableSpan<Float>) throws
}
