internal import CHengAccelerator
internal import Synchronization

/// Records of work as it ran, kept for one context between profile_start and profile_stop.
final class ProfileLog: Sendable {
    struct Record: Sendable {
        var correlation: UInt64
        var stream: UInt64
        /// On the monotonic clock, in nanoseconds.
        var begin: Int64
        var end: Int64
        var bytes: Int
        var kind: Int32
        var name: String
    }

    private struct State {
        var records: [Record] = []
        var capacity: Int
        var dropped: UInt64 = 0
        /// What to add to the device's time to get the host's.
        var offset: Int64
    }

    private let isOnFlag = Atomic<Bool>(false)
    private let state = Mutex<State?>(nil)

    var isOn: Bool { isOnFlag.load(ordering: .relaxed) }

    /// False where records are kept already.
    func start(capacity: Int, offset: Int64) -> Bool {
        state.withLock { state in
            guard state == nil else { return false }
            state = State(capacity: capacity, offset: offset)
            isOnFlag.store(true, ordering: .relaxed)
            return true
        }
    }

    /// False where none are kept.
    func stop() -> Bool {
        state.withLock { state in
            guard state != nil else { return false }
            state = nil
            isOnFlag.store(false, ordering: .relaxed)
            return true
        }
    }

    /// Keeps a record, whose times are the host's or the device's.
    func add(_ record: Record, isDeviceTime: Bool) {
        state.withLock { state in
            guard state != nil else { return }
            if let count = state?.records.count, let capacity = state?.capacity, count >= capacity {
                state?.dropped += 1
                return
            }
            var record = record
            if isDeviceTime, let offset = state?.offset {
                record.begin += offset
                record.end += offset
            }
            state?.records.append(record)
        }
    }

    /// Takes the oldest records, and how many were lost; nil where none are kept.
    func take(_ limit: Int) -> (records: [Record], dropped: UInt64)? {
        state.withLock { state in
            guard var now = state else { return nil }
            now.records.sort { $0.end < $1.end }
            let taken = Array(now.records.prefix(limit))
            now.records.removeFirst(taken.count)
            let dropped = now.dropped
            now.dropped = 0
            state = now
            return (taken, dropped)
        }
    }
}
