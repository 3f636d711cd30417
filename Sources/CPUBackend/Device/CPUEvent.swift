internal import AcceleratorAPI
internal import Essentials
internal import Synchronization

/// An event of the CPU device.
///
/// Each record has a number, counted from 1 at its submission; the worker that reaches the record publishes that
/// number with the time. Records of one event happen in the order of their numbers, whatever streams they are in,
/// so "at least number n" is all that a waiter needs to know.
final class CPUEvent: Sendable {
    unowned let context: CPUContext
    private let submittedNumber = Atomic<UInt64>(0)
    private let happenedNumber = Atomic<UInt64>(0)
    /// The latest record that a reset has forgotten.
    private let forgottenNumber = Atomic<UInt64>(0)
    private let pendingWaits = Atomic<Int>(0)
    private let time = Atomic<Int64>(0)
    private let hasFailed = Atomic<Bool>(false)
    private let failure = Mutex<DeviceError?>(nil)
    private let word = SharedFutexWord()
    private let sleepers = Atomic<Int>(0)

    init(in context: CPUContext) { self.context = context }

    /// The number of the latest submitted record; 0 when there is none, or it is forgotten.
    var submitted: UInt64 {
        let number = submittedNumber.load(ordering: .acquiring)
        return number > forgottenNumber.load(ordering: .acquiring) ? number : 0
    }

    /// Forgets the records so far; false while the latest has not happened.
    func forgetRecords() -> Bool {
        let number = submittedNumber.load(ordering: .acquiring)
        guard hasHappened(number) else { return false }
        forgottenNumber.store(number, ordering: .releasing)
        return true
    }

    func addWait() { pendingWaits.wrappingAdd(1, ordering: .relaxed) }
    func endWait() { pendingWaits.wrappingSubtract(1, ordering: .releasing) }
    /// Whether no stream still has to pass a wait for this event.
    var hasNoWaits: Bool { pendingWaits.load(ordering: .acquiring) == 0 }

    /// Takes the number for a record about to be submitted.
    func nextRecord() -> UInt64 {
        submittedNumber.wrappingAdd(1, ordering: .acquiringAndReleasing).newValue
    }

    func hasHappened(_ number: UInt64) -> Bool { happenedNumber.load(ordering: .acquiring) >= number }

    /// When the latest record happened, on the monotonic clock; nil while it has not.
    var timestamp: Int64? {
        let number = submitted
        return number > 0 && hasHappened(number) ? time.load(ordering: .relaxed) : nil
    }

    /// The failure that the recording stream carried, if any.
    var recordedFailure: DeviceError? {
        hasFailed.load(ordering: .acquiring) ? failure.withLock { $0 } : nil
    }

    /// Publishes a record, after those before it; called by a stream's worker.
    func happen(_ number: UInt64, at time: Int64, failure: DeviceError?) {
        _ = wait(for: number - 1, concurrency: 1, nanoseconds: -1)
        self.time.store(time, ordering: .relaxed)
        if failure != nil || hasFailed.load(ordering: .relaxed) {
            self.failure.withLock { $0 = failure }
            hasFailed.store(failure != nil, ordering: .relaxed)
        }
        happenedNumber.store(number, ordering: .sequentiallyConsistent)
        guard sleepers.load(ordering: .sequentiallyConsistent) > 0 else { return }
        word.wakeAll()
    }

    /// Waits for a record: for ever (negative), or at most so long; false when time is up.
    func wait(for number: UInt64, concurrency: Int, nanoseconds: Int64) -> Bool {
        if hasHappened(number) { return true }
        guard nanoseconds != 0 else { return false }
        var patience = SpinBudget(concurrency: concurrency)
        if patience.spin(until: { hasHappened(number) }) { return true }
        sleepers.wrappingAdd(1, ordering: .sequentiallyConsistent)
        defer { sleepers.wrappingSubtract(1, ordering: .relaxed) }
        return word.sleep(nanoseconds: nanoseconds) {
            happenedNumber.load(ordering: .sequentiallyConsistent) >= number
        }
    }
}
