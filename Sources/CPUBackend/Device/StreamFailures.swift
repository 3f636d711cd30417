internal import AcceleratorAPI
internal import Essentials
internal import Synchronization

/// What has failed in a stream, and what runs in it at this moment.
///
/// Usually the first failure stays for good and is reported by every call. In a stream that continues, each failure is
/// reported once, in order.
final class StreamFailures: Sendable {
    /// The most failures that wait to be reported in a stream that continues.
    private static let limit = 64

    private let options: StreamOptions
    private let device: String
    /// Whether work is to be skipped and submissions refused.
    private let hasFailed = Atomic<Bool>(false)
    private let isPending = Atomic<Bool>(false)
    private let state = Mutex(State())
    /// When the running piece of work began, and its number; only kept with a limit.
    private let begin = Atomic<Int64>(0)
    private let correlation = Atomic<UInt64>(0)

    private struct State {
        var standing: DeviceError?
        var pending: [DeviceError] = []
    }

    init(_ options: StreamOptions, device: String) {
        self.options = options
        self.device = device
    }

    @inline(__always)
    var isFailed: Bool { hasFailed.load(ordering: .relaxed) }

    /// The failure that ended the stream's work, if any.
    var standing: DeviceError? { hasFailed.load(ordering: .acquiring) ? state.withLock { $0.standing } : nil }

    /// What the next call that reports has to throw, if anything.
    func report() -> DeviceError? {
        if let standing { return standing }
        guard isPending.load(ordering: .acquiring) else { return nil }
        return state.withLock { state in
            let first = state.pending.isEmpty ? nil : state.pending.removeFirst()
            if state.pending.isEmpty { isPending.store(false, ordering: .relaxed) }
            return first
        }
    }

    /// Notes a failure; `always` ends the stream's work even where it would continue.
    func fail(_ error: DeviceError, always: Bool = false) {
        state.withLock { state in
            if options.continues, !always {
                if state.pending.count < StreamFailures.limit { state.pending.append(error) }
                isPending.store(true, ordering: .releasing)
                return
            }
            // The first cause stays.
            state.standing = state.standing ?? error
            hasFailed.store(true, ordering: .releasing)
        }
    }
}

// The limit of time for one piece of work.
extension StreamFailures {
    /// In nanoseconds; nil without one.
    var workLimit: Int64? { options.workLimit.map(\.nanoseconds) }

    @inline(__always)
    var isWatched: Bool { options.workLimit != nil }

    func workBegins(at time: Int64, _ number: UInt64) {
        correlation.store(number, ordering: .relaxed)
        begin.store(time, ordering: .releasing)
    }

    func workEnds(at time: Int64) {
        check(at: time)
        begin.store(0, ordering: .relaxed)
    }

    /// Fails the stream if its running work has run for longer than it may.
    ///
    /// A function that runs on a CPU cannot be stopped: whoever waits learns at once, and what comes behind is dropped.
    func checkRunningWork() { check(at: TimePoint.monotonicNow().nanoseconds) }

    private func check(at time: Int64) {
        guard let limit = workLimit else { return }
        let start = begin.load(ordering: .acquiring)
        guard start > 0, time - start > limit, !isFailed else { return }
        fail(
            DeviceError(
                .timeout, scope: .stream, operation: "stream_launch",
                text:
                    "Work in a stream of \(device) runs for longer than its limit of \(limit / 1_000_000) ms.",
                correlation: correlation.load(ordering: .relaxed)), always: true)
    }
}
