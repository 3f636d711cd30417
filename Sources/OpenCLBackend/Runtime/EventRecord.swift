internal import AcceleratorAPI
internal import COpenCL
internal import Essentials

/// One record of an event: a place in a stream that others wait for.
///
/// It waits for its turn while its stream runs functions of the host, is issued when OpenCL has a marker for it, and
/// is done with a time, or with the failure of the work before it.
@safe final class EventRecord: @unchecked Sendable {
    // Unchecked: what changes is under the monitor.
    enum State {
        case waiting
        case issued(marker: UInt)
        case done(nanoseconds: Int64?, failure: DeviceError?)
    }

    let stream: OpenCLStream
    private let monitor = Monitor()
    private var state = State.waiting
    /// The number of the work in its stream, once it is issued.
    private var sequence: UInt64 = 0
    /// Waits in streams: those whose turn has not come, and the barriers of the others.
    private var waitsToCome = 0
    private var barriers: [(event: UInt, stream: OpenCLStream)] = []

    init(in stream: OpenCLStream) { self.stream = stream }

    deinit {
        if case .issued(let marker) = state { _ = opencl_release_event(marker) }
        for barrier in barriers { _ = opencl_release_event(barrier.event) }
    }

    /// OpenCL has the marker, which is ours now.
    func issue(_ marker: UInt, sequence: UInt64) {
        monitor.locked {
            state = .issued(marker: marker)
            self.sequence = sequence
            monitor.wakeAll()
        }
    }

    /// It happened without a marker: the stream had failed.
    func fail(_ failure: DeviceError) {
        monitor.locked {
            state = .done(nanoseconds: nil, failure: failure)
            monitor.wakeAll()
        }
    }

    /// The state, with a marker that is complete turned into a time.
    private func settle() -> State {
        monitor.locked {
            guard case .issued(let marker) = state else { return state }
            let status = opencl_event_status(marker)
            guard status <= 0 else { return state }
            let end = opencl_event_time(marker, UInt32(OPENCL_PROFILING_COMMAND_END))
            var failure = stream.failure(before: sequence)
            if failure == nil, status < 0 {
                failure = OpenCLStatus.error(
                    status, "event_record", "Work before an event failed", scope: .stream)
            }
            _ = opencl_release_event(marker)
            state = .done(nanoseconds: end.status == 0 ? Int64(clamping: end.value) : nil, failure: failure)
            return state
        }
    }

    var current: State { settle() }

    /// Whether OpenCL knows of it, so that a queue can wait for it.
    var isIssued: Bool {
        monitor.locked { if case .waiting = state { false } else { true } }
    }

    /// Blocks until it is issued; false when the time (nil: for ever) is up.
    func waitUntilIssued(deadline: Int64? = nil) -> Bool {
        monitor.locked {
            while case .waiting = state {
                if let deadline {
                    if !monitor.wait(until: deadline), case .waiting = state { return false }
                } else {
                    monitor.wait()
                }
            }
            return true
        }
    }

    /// Blocks until it has happened; false when the time is up.
    func wait(deadline: Int64?) -> Bool {
        guard waitUntilIssued(deadline: deadline) else { return false }
        guard case .issued(let marker) = retained() else { return true }
        defer { _ = opencl_release_event(marker) }
        return EventWait.wait(marker, deadline: deadline)
    }

    /// The state, its marker held for the caller.
    private func retained() -> State {
        monitor.locked {
            if case .issued(let marker) = state { _ = opencl_retain_event(marker) }
            return state
        }
    }

    /// A marker for a queue to wait for, held for the caller; 0 where it has happened.
    func markerToWaitFor() -> UInt {
        guard case .issued = settle(), case .issued(let marker) = retained() else { return 0 }
        return marker
    }

    /// Whether OpenCL could not do what came before.
    var failure: DeviceError? {
        if case .done(_, let failure) = settle() { failure } else { nil }
    }
}

// MARK: - Waits of streams

extension EventRecord {
    func waitIsSubmitted() { monitor.locked { waitsToCome += 1 } }

    /// The wait's turn came: it is over, or it is this barrier.
    func waitIsIssued(barrier: UInt, in stream: OpenCLStream) {
        if barrier != 0 { _ = opencl_retain_event(barrier) }
        monitor.locked {
            waitsToCome -= 1
            if barrier != 0 { barriers.append((barrier, stream)) }
        }
    }

    /// Whether all waits submitted for it are over.
    var waitsAreOver: Bool {
        monitor.locked {
            barriers.removeAll { barrier in
                guard opencl_event_status(barrier.event) <= 0 else { return false }
                _ = opencl_release_event(barrier.event)
                return true
            }
            return waitsToCome == 0 && barriers.isEmpty
        }
    }
}

/// Waiting for what OpenCL runs, which itself knows only for ever.
enum EventWait {
    /// Blocks until the event is complete, whatever came of it; false when the time (nil: for ever) is up.
    static func wait(_ event: UInt, deadline: Int64?) -> Bool {
        guard let deadline else {
            _ = opencl_wait(event)
            return true
        }
        var pause: UInt32 = 20
        while opencl_event_status(event) > 0 {
            let left = deadline - TimePoint.monotonicNow().nanoseconds
            guard left > 0 else { return false }
            Pause.microseconds(min(pause, UInt32(clamping: max(1, left / 1000))))
            pause = min(pause * 2, 1000)
        }
        return true
    }
}
