internal import ControlAPI
internal import Essentials
internal import Synchronization

/// Those who want to hear of changes of jobs.
///
/// Each has a buffer of its own with a bound. Whoever reads too slowly finds its stream ended, and asks again for how
/// things are; nobody waits for it.
final class Watchers: Sendable {
    private let state = Mutex(State())

    private struct State {
        var next = 0
        var continuations: [Int: AsyncStream<JobNotice>.Continuation] = [:]
        var isClosed = false
    }

    private static let bound = 4096

    var areAny: Bool { state.withLock { !$0.continuations.isEmpty } }

    func watch() -> AsyncStream<JobNotice> {
        let (stream, continuation) = AsyncStream.makeStream(
            of: JobNotice.self, bufferingPolicy: .bufferingOldest(Watchers.bound))
        let number = state.withLock { state in
            state.next += 1
            if state.isClosed {
                continuation.finish()
            } else {
                state.continuations[state.next] = continuation
            }
            return state.next
        }
        continuation.onTermination = { [weak self] _ in
            self?.remove(number)
        }
        return stream
    }

    private func remove(_ number: Int) {
        // What is taken out must not be released under the lock, because its end calls back here.
        _ = state.withLock { $0.continuations.removeValue(forKey: number) }
    }

    func tell(_ notice: JobNotice) {
        let all = state.withLock { $0.continuations }
        for (_, continuation) in all {
            if case .dropped = continuation.yield(notice) { continuation.finish() }
        }
    }

    func close() {
        let all = state.withLock { state in
            state.isClosed = true
            return state.continuations
        }
        for (_, continuation) in all { continuation.finish() }
    }
}
