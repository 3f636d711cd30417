internal import ComputeGraph
internal import Synchronization

/// What may still be allocated while a file is read.
final class ByteBudget: Sendable {
    let limit: Int
    private let taken = Mutex(0)

    init(_ limit: Int) { self.limit = limit }

    /// Whether there was room for so many bytes, which are taken then.
    func take(_ bytes: Int) -> Bool {
        taken.withLock { taken in
            taken = taken.saturatingSum(bytes)
            return taken <= limit
        }
    }
}
