internal import AcceleratorAPI
internal import Essentials
internal import Synchronization

/// What host functions of a stream failed with, and which failures of other streams it inherits by waiting.
///
/// The driver knows nothing of these: to it the functions just ran. Each launch that can fail and each record of an event
/// has a number in its stream, so that an event carries the failures before its record and no others.
final class CUDAFailures: Sendable {
    /// The failures of a stream up to a number.
    struct Origin: Sendable {
        var failures: CUDAFailures
        var limit: UInt64

        var failure: DeviceError? { failures.own(before: limit) }
    }

    private let state = Mutex(State())
    /// Whether there is anything to look for, so that most streams never take the lock.
    private let mayFail = Atomic<Bool>(false)

    private struct State {
        var next: UInt64 = 1
        var own: (number: UInt64, error: DeviceError)?
        var origins: [ObjectIdentifier: Origin] = [:]
    }

    /// The number of a launch that can fail.
    func nextNumber() -> UInt64 {
        mayFail.store(true, ordering: .releasing)
        return state.withLock { state in
            defer { state.next += 1 }
            return state.next
        }
    }

    /// The failure that ended the stream's work; nil while it goes on.
    @inline(__always)
    var current: DeviceError? { mayFail.load(ordering: .acquiring) ? find() : nil }

    @inline(never)
    private func find() -> DeviceError? {
        let (own, origins) = state.withLock { ($0.own?.error, $0.origins) }
        if let own { return own }
        for origin in origins.values { if let error = origin.failure { return error } }
        return nil
    }

    private func own(before limit: UInt64) -> DeviceError? {
        state.withLock { state in
            guard let own = state.own, own.number < limit else { return nil }
            return own.error
        }
    }

    func fail(_ number: UInt64, with error: DeviceError) {
        state.withLock { state in if state.own == nil { state.own = (number, error) } }
    }

    /// What an event recorded now carries.
    func snapshot() -> [ObjectIdentifier: Origin] {
        guard mayFail.load(ordering: .acquiring) else { return [:] }
        return state.withLock { state in
            var origins = state.origins
            origins[ObjectIdentifier(self)] = Origin(failures: self, limit: state.next)
            state.next += 1
            return origins
        }
    }

    /// All failures, also those to come.
    var all: [ObjectIdentifier: Origin] {
        guard mayFail.load(ordering: .acquiring) else { return [:] }
        return [ObjectIdentifier(self): Origin(failures: self, limit: .max)]
    }

    /// Takes on what an event carries.
    func inherit(_ origins: [ObjectIdentifier: Origin]) {
        guard !origins.isEmpty else { return }
        mayFail.store(true, ordering: .releasing)
        state.withLock { state in
            for (id, origin) in origins where id != ObjectIdentifier(self) {
                if let known = state.origins[id], known.limit >= origin.limit { continue }
                state.origins[id] = origin
            }
        }
    }
}
