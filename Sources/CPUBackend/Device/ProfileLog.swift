internal import AcceleratorAPI
internal import CHengAccelerator
internal import Essentials
internal import Synchronization

/// The records of a context's work, while somebody wants them; what does not fit is dropped and counted.
final class ProfileLog: Sendable {
    static let nameLimit = 48

    private let isWanted = Atomic<Bool>(false)
    private let state = Mutex(State())

    private struct State {
        var capacity = 0
        var records: [Record] = []
        var dropped: UInt64 = 0
    }

    /// A name cut to fit a record.
    struct Name: Sendable, ExpressibleByStringLiteral {
        let bytes: [UInt8]

        init(_ text: String) { bytes = Array(text.utf8.prefix(ProfileLog.nameLimit - 1)) }
        init(stringLiteral value: StringLiteralType) { self.init(value) }
        /// From a C string in a stream's slot.
        init(copying address: UnsafeRawPointer) {
            let all = unsafe UnsafeRawBufferPointer(start: address, count: ProfileLog.nameLimit - 1)
            bytes = unsafe Array(all.prefix { $0 != 0 })
        }
    }

    struct Record: Sendable {
        var kind: Kind
        var name: Name
        var stream: UInt64
        var correlation: UInt64
        var begin: Int64
        var end: Int64
        var bytes: UInt64
    }

    enum Kind: Int32, Sendable {
        case launch = 1
        case copy = 2
        case fill = 3
        case wait = 6
        case range = 7
        case mark = 8
    }

    @inline(__always)
    var isOn: Bool { isWanted.load(ordering: .relaxed) }

    func start(capacity: Int) throws(DeviceError) {
        let started = state.withLock { state in
            guard !isWanted.load(ordering: .relaxed) else { return false }
            state = State(capacity: capacity)
            isWanted.store(true, ordering: .releasing)
            return true
        }
        guard started else {
            throw DeviceError(
                .misuse, operation: "profile_start", text: "The context's work is being recorded already.")
        }
    }

    func stop() throws(DeviceError) {
        let stopped = state.withLock { state in
            guard isWanted.load(ordering: .relaxed) else { return false }
            isWanted.store(false, ordering: .releasing)
            state = State()
            return true
        }
        guard stopped else {
            throw DeviceError(
                .misuse, operation: "profile_stop", text: "The context's work is not being recorded.")
        }
    }

    func add(
        _ kind: Kind, _ name: Name, _ stream: UInt64, _ correlation: UInt64, _ begin: Int64, _ end: Int64,
        bytes: UInt64 = 0
    ) {
        state.withLock { state in
            guard state.records.count < state.capacity else {
                state.dropped += 1
                return
            }
            state.records.append(
                Record(
                    kind: kind, name: name, stream: stream, correlation: correlation, begin: begin, end: end,
                    bytes: bytes))
        }
    }

    /// Takes up to so many records, oldest first, and the count of those lost since the last call.
    func take(_ limit: Int) -> (records: [Record], dropped: UInt64) {
        state.withLock { state in
            let taken = Array(state.records.prefix(limit))
            state.records.removeFirst(taken.count)
            defer { state.dropped = 0 }
            return (taken, state.dropped)
        }
    }
}
