package import CHengAccelerator
internal import Essentials
package import Synchronization

/// The records of a context's work, between profile_start and profile_stop; what finds no room is dropped and counted.
package final class ProfileLog: Sendable {
    /// The most bytes of a name, with its end.
    package static let nameLimit = 48

    @usableFromInline let isWanted = Atomic<Bool>(false)
    private let state = Mutex<State?>(nil)

    private struct State: Sendable {
        let capacity: Int
        /// What to add to the device's time to get the monotonic clock's.
        let offset: Int64
        var records: [heng_profile_record] = []
        /// Whether the records lie in the order of their ends, and where those are the same, of their begins.
        var isOrdered = true
        var dropped: UInt64 = 0

        /// Streams run beside each other: what ended first is the oldest.
        mutating func order() {
            guard !isOrdered else { return }
            records = records.enumerated().sorted {
                ($0.element.end, $0.element.begin, $0.offset) < ($1.element.end, $1.element.begin, $1.offset)
            }.map(\.element)
            isOrdered = true
        }
    }

    package init() {}

    /// Whether somebody wants records.
    @inlinable package var isOn: Bool { isWanted.load(ordering: .relaxed) }

    /// Begins to keep records; `offset` is what turns the device's time into the monotonic clock's.
    package func start(capacity: UInt64, offset: Int64 = 0) throws(DeviceError) {
        let started = state.withLock { state in
            guard state == nil else { return false }
            state = State(capacity: Int(clamping: capacity), offset: offset)
            isWanted.store(true, ordering: .releasing)
            return true
        }
        guard started else {
            throw DeviceError(
                .misuse, operation: "profile_start", text: "Records of the context are kept already.")
        }
    }

    package func stop() throws(DeviceError) { guard drop() else { throw noRecords("profile_stop") } }

    /// Ends it, where it was begun; what has not been read is lost.
    @discardableResult
    package func drop() -> Bool {
        state.withLock { state in
            guard state != nil else { return false }
            state = nil
            isWanted.store(false, ordering: .releasing)
            return true
        }
    }

    private func noRecords(_ operation: String) -> DeviceError {
        DeviceError(.misuse, operation: operation, text: "No records of the context are kept.")
    }

    /// Keeps a record, whose times are the monotonic clock's or the device's own.
    package func add(_ record: heng_profile_record, isDeviceTime: Bool = false) {
        state.withLock { state in
            guard var now = state else { return }
            // The array must have one owner to grow in place.
            state = nil
            defer { state = now }
            guard now.records.count < now.capacity else {
                now.dropped += 1
                return
            }
            var record = record
            if isDeviceTime {
                record.begin += now.offset
                record.end += now.offset
            }
            if let last = now.records.last, (record.end, record.begin) < (last.end, last.begin) {
                now.isOrdered = false
            }
            now.records.append(record)
        }
    }

    /// Takes the oldest records, of those that ended by a time of the monotonic clock, and how many were lost.
    package func take(
        _ limit: Int, until time: Int64 = .max
    ) throws(DeviceError) -> (records: [heng_profile_record], dropped: UInt64) {
        let taken = state.withLock { state -> (records: [heng_profile_record], dropped: UInt64)? in
            guard var now = state else { return nil }
            state = nil
            defer { state = now }
            now.order()
            let done = time == .max ? now.records.count : now.records.prefix { $0.end <= time }.count
            let taken = Array(now.records.prefix(min(done, max(0, limit))))
            now.records.removeFirst(taken.count)
            defer { now.dropped = 0 }
            return (taken, now.dropped)
        }
        guard let taken else { throw noRecords("profile_read") }
        return taken
    }

    /// `profile_read`: gives records to the caller's places.
    package func read(
        _ records: UnsafeMutablePointer<heng_profile_record>?, _ capacity: UInt64,
        _ count: UnsafeMutablePointer<UInt64>?, _ dropped: UnsafeMutablePointer<UInt64>?,
        until time: Int64 = .max
    ) throws(DeviceError) {
        let target = try unsafe place(count, "profile_read")
        guard unsafe capacity == 0 || records != nil else {
            throw invalid("profile_read", "profile_read has no place for its records.")
        }
        let taken = try take(Int(clamping: capacity), until: time)
        for (index, record) in taken.records.enumerated() { unsafe records?[index] = record }
        unsafe target.pointee = UInt64(taken.records.count)
        if let dropped = unsafe dropped { unsafe dropped.pointee = taken.dropped }
    }
}

extension heng_profile_record {
    /// A record of a HENG_RECORD kind; the name is cut to fit.
    package init(
        _ kind: Int32, _ name: String, stream: UInt64, correlation: UInt64, begin: Int64, end: Int64,
        bytes: UInt64 = 0
    ) {
        self.init()
        self.kind = kind
        self.stream = stream
        self.correlation = correlation
        self.begin = begin
        self.end = end
        self.bytes = bytes
        // The rest is zeros, so the name is ended.
        unsafe withUnsafeMutableBytes(of: &self.name) {
            unsafe $0.copyBytes(from: name.utf8.prefix($0.count - 1))
        }
    }
}
