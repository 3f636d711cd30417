/// Ranks that compute together: every rank makes the same calls in the same order, with as many elements.
///
/// A communicator belongs to one thread at a time. After it has thrown, no rank can use it any more.
package protocol Communicator: AnyObject {
    var rank: Int { get }
    var worldSize: Int { get }

    /// Returns when every rank has called it.
    func barrier() throws(CollectiveError)

    /// Replaces the values by their sums over all ranks, added in the order of the ranks.
    ///
    /// Every rank gets the same bits, in each run.
    func allReduceSum(_ values: inout MutableSpan<Float>) throws(CollectiveError)
    func allReduceSum(_ values: inout MutableSpan<Double>) throws(CollectiveError)

    /// Replaces the bytes by those of one rank.
    func broadcast(_ bytes: inout MutableRawSpan, from root: Int) throws(CollectiveError)
}

extension Communicator {
    /// Replaces the values by those of one rank.
    package func broadcast<Element: FixedWidthInteger & BitwiseCopyable>(
        _ values: inout MutableSpan<Element>, from root: Int
    ) throws(CollectiveError) {
        // Every pattern of bits is an integer, so nothing that arrives can be an invalid one.
        var bytes = unsafe values.mutableBytes
        try broadcast(&bytes, from: root)
    }

    package func broadcast<Element: BinaryFloatingPoint & BitwiseCopyable>(
        _ values: inout MutableSpan<Element>, from root: Int
    ) throws(CollectiveError) {
        // As above: every pattern of bits is a number, if only NaN.
        var bytes = unsafe values.mutableBytes
        try broadcast(&bytes, from: root)
    }
}

/// The communicator of a rank that is alone.
package final class SoloCommunicator: Communicator {
    package let rank = 0
    package let worldSize = 1

    package init() {}

    package func barrier() {}
    package func allReduceSum(_ values: inout MutableSpan<Float>) {}
    package func allReduceSum(_ values: inout MutableSpan<Double>) {}
    package func broadcast(_ bytes: inout MutableRawSpan, from root: Int) {
        precondition(root == 0, "there is only rank 0")
    }
}
