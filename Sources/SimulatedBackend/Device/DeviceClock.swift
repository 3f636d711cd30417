internal import AcceleratorAPI
internal import Essentials

// How the host's waiting turns the clock. The monitor is held.

/// What a wait looks for.
enum WaitOutcome {
    case pending
    case done(at: Int64)
    case failed(DeviceError, at: Int64)
}

extension SimulatedDevice {
    /// Whether all work that can run without the host has run.
    ///
    /// Work that hangs, waits for an event, or is a host function does not count.
    private var isSettled: Bool { machine.streams.allSatisfy(\.isSettled) }

    /// Waits until it has; in real time there is nothing to wait for.
    func settle() {
        guard isVirtual else { return }
        while !isSettled { monitor.wait() }
    }

    /// Lets the host see all errors up to now.
    func see() {
        settle()
        let now = machine.now
        if let lost = machine.lost, lost.time <= now { machine.lost?.isSeen = true }
        for stream in machine.streams {
            stream.see(now)
            stream.context.see(now)
        }
    }

    /// Turns the clock to the next end of a piece of work: what a look at unfinished work does.
    ///
    /// So a program that looks again and again gets on, with few looks.
    func look() {
        guard isVirtual else { return }
        settle()
        if let next = machine.streams.compactMap({ $0.nextEnd(after: machine.now) }).min() {
            machine.advance(to: next)
        }
        see()
    }

    /// Waits as `stream_synchronize` says: for ever (-1), not at all (0), or so many milliseconds.
    func wait(
        _ milliseconds: Int32, _ operation: String, _ subject: @autoclosure () -> String,
        _ check: () throws(DeviceError) -> WaitOutcome
    ) throws(DeviceError) {
        guard milliseconds >= -1 else {
            throw invalid(operation, "A timeout is -1, 0 or milliseconds, not \(milliseconds).")
        }
        let length = Int64(milliseconds) * 1_000_000
        let limit = milliseconds < 0 ? Int64.max : machine.now + length
        let hostLimit = milliseconds < 0 ? Int64.max : monotonicNanoseconds() + length
        if milliseconds == 0 { settle() }
        while true {
            endOverdueWork()
            switch try check() {
            case .done(let time) where !isVirtual || time <= limit:
                machine.advance(to: time)
                see()
                return
            case .failed(let error, let time) where !isVirtual || time <= limit:
                machine.advance(to: time)
                see()
                throw error
            case .done, .failed:
                return try timeOut(milliseconds, limit, operation, subject())
            case .pending: break
            }
            let isStuck = isVirtual && isSettled && !machine.streams.contains(where: \.isInHostFunction)
            if milliseconds == 0 || (milliseconds > 0 && isStuck) || monotonicNanoseconds() >= hostLimit {
                return try timeOut(milliseconds, limit, operation, subject())
            }
            let next = machine.streams.compactMap(\.hostFunctionLimit).min()
            let deadline = min(hostLimit, next ?? .max)
            monitor.wait(until: deadline)
        }
    }

    private func timeOut(
        _ milliseconds: Int32, _ limit: Int64, _ operation: String, _ subject: String
    ) throws(DeviceError) {
        if milliseconds == 0 { look() } else { machine.advance(to: limit) }
        see()
        throw DeviceError(
            .timeout, operation: operation,
            text: "\(subject) of \(name) is not done after \(milliseconds) ms.", isRetriable: true)
    }

    /// Fails streams whose host function has run for longer than a piece of work may.
    private func endOverdueWork() {
        let now = monotonicNanoseconds()
        for stream in machine.streams {
            if let limit = stream.hostFunctionLimit, limit <= now { stream.failOverdue() }
        }
    }
}

/// The monotonic clock in nanoseconds.
func monotonicNanoseconds() -> Int64 { TimePoint.monotonicNow().nanoseconds }
