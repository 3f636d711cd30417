package import Essentials
internal import Synchronization

#if canImport(Glibc)
internal import Glibc
#endif

/// The time of a run, handed in so that a simulation can turn it by itself.
package protocol LoadClock: Sendable {
    func now() -> TimePoint
    /// The machine's other clock, by which `now` is checked over a run.
    func systemNow() -> TimePoint
    /// Returns at the moment, or at once when it has passed.
    func wait(until moment: TimePoint)
    /// Returns when the gate is open or the deadline has passed.
    func wait(for gate: CompletionGate, until deadline: TimePoint)
}

/// The machine's monotonic clock.
package struct MachineClock: LoadClock {
    /// How long before a moment sleeping ends and spinning begins.
    ///
    /// The kernel wakes a sleeper up to 50 microseconds late by default (timer slack), and the way back to a
    /// processor takes about as long again.
    package var spin: Duration

    package init(spin: Duration = .microseconds(120)) { self.spin = spin }

    package func now() -> TimePoint { .monotonicNow() }
    package func systemNow() -> TimePoint { .wallNow() }

    package func wait(until moment: TimePoint) {
        let wake = moment.nanoseconds - spin.nanoseconds
        if now().nanoseconds < wake {
            var target = timespec(tv_sec: Int(wake / 1_000_000_000), tv_nsec: Int(wake % 1_000_000_000))
            // Interrupted by a signal: the target is absolute, so simply again.
            while unsafe clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &target, nil) == EINTR {}
        }
        while now() < moment {}
    }

    package func wait(for gate: CompletionGate, until deadline: TimePoint) {
        // An answer within this time costs no system call; longer spinning would take a core from the system.
        let spinEnd = min(deadline, now() + .microseconds(20))
        while !gate.isOpen {
            guard now() < spinEnd else {
                gate.sleep(until: deadline)
                return
            }
        }
    }
}

/// A clock that jumps from event to event, so that hours of queueing pass in milliseconds.
///
/// A simulated system schedules its answers as events. Waiting runs them, on the waiting thread.
package final class VirtualClock: LoadClock {
    private struct Event {
        var moment: Int64
        /// Events of one moment happen in the order in which they were scheduled.
        var sequence: Int
        var action: @Sendable () -> Void

        func isBefore(_ other: Event) -> Bool {
            (moment, sequence) < (other.moment, other.sequence)
        }
    }

    private struct State {
        var now: Int64 = 0
        var heap: [Event] = []
        var scheduled = 0
    }

    private let state = Mutex(State())

    package init() {}

    package func now() -> TimePoint { TimePoint(nanoseconds: state.withLock { $0.now }) }
    package func systemNow() -> TimePoint { now() }

    /// Runs the action when the time comes; a moment that has passed counts as now.
    package func schedule(at moment: TimePoint, _ action: @escaping @Sendable () -> Void) {
        state.withLock { state in
            let event = Event(
                moment: max(moment.nanoseconds, state.now), sequence: state.scheduled, action: action)
            state.scheduled += 1
            VirtualClock.push(event, on: &state.heap)
        }
    }

    package func wait(until moment: TimePoint) {
        while runNextEvent(notAfter: moment.nanoseconds) {}
        state.withLock { $0.now = max($0.now, moment.nanoseconds) }
    }

    package func wait(for gate: CompletionGate, until deadline: TimePoint) {
        while !gate.isOpen {
            guard runNextEvent(notAfter: deadline.nanoseconds) else {
                state.withLock { $0.now = max($0.now, deadline.nanoseconds) }
                return
            }
        }
    }

    private func runNextEvent(notAfter limit: Int64) -> Bool {
        let event: Event? = state.withLock { state in
            guard let first = state.heap.first, first.moment <= limit else { return nil }
            state.now = first.moment
            return VirtualClock.pop(from: &state.heap)
        }
        event?.action()
        return event != nil
    }

    private static func push(_ event: Event, on heap: inout [Event]) {
        heap.append(event)
        var child = heap.count - 1
        while child > 0, heap[child].isBefore(heap[(child - 1) / 2]) {
            heap.swapAt(child, (child - 1) / 2)
            child = (child - 1) / 2
        }
    }

    private static func pop(from heap: inout [Event]) -> Event {
        heap.swapAt(0, heap.count - 1)
        let first = heap.removeLast()
        var parent = 0
        while true {
            var least = parent
            for child in [2 * parent + 1, 2 * parent + 2]
            where child < heap.count && heap[child].isBefore(heap[least]) {
                least = child
            }
            guard least != parent else { return first }
            heap.swapAt(parent, least)
            parent = least
        }
    }
}
