internal import AcceleratorAPI
internal import Essentials
internal import Synchronization

/// An event of an OpenCL device: its latest record, if any.
final class OpenCLEvent: Sendable {
    let context: OpenCLContext
    private let record = Mutex<EventRecord?>(nil)

    init(in context: OpenCLContext) { self.context = context }

    var latest: EventRecord? { record.withLock { $0 } }

    /// Puts a new record in the place of the one before, which the new one follows.
    func replace(with next: EventRecord) -> EventRecord? {
        record.withLock { record in
            let last = record
            record = next
            return last
        }
    }

    /// Takes back a record that never got into its stream.
    func restore(_ last: EventRecord?, insteadOf next: EventRecord) {
        record.withLock { record in if record === next { record = last } }
    }

    func recorded(_ operation: String) throws(DeviceError) -> EventRecord {
        guard let latest else {
            throw DeviceError(
                .eventNotRecorded, operation: operation, text: "No stream was asked to record this event.")
        }
        return latest
    }

    func isComplete() throws(DeviceError) -> Bool {
        let record = try recorded("event_query")
        guard case .done = record.current else {
            record.stream.refresh()
            if case .done = record.current { return true }
            return false
        }
        return true
    }

    func synchronize(milliseconds: Int32) throws(DeviceError) {
        let record = try recorded("event_synchronize")
        if record.stream.isCurrent {
            if case .waiting = record.current {
                throw DeviceError(
                    .misuse, operation: "event_synchronize",
                    text: "A host function waits for an event that its own stream records later.")
            }
        }
        guard record.wait(deadline: Deadline.after(milliseconds)) else {
            throw DeviceError(
                .timeout, operation: "event_synchronize",
                text: "An event of \(context.device.facts.name) has not happened after \(milliseconds) ms.",
                isRetriable: true)
        }
        record.stream.refresh()
        if let failure = record.failure { throw failure }
    }

    func reset() throws(DeviceError) {
        let problem = record.withLock { record -> DeviceError? in
            guard let last = record else { return nil }
            guard case .done = last.current else {
                return DeviceError(
                    .misuse, operation: "event_reset", text: "The event's record has not happened yet.")
            }
            record = nil
            return nil
        }
        if let problem { throw problem }
    }

    /// The device's time of the latest record.
    func nanoseconds() throws(DeviceError) -> Int64 {
        guard let latest, case .done(let time?, _) = latest.current else {
            throw DeviceError(
                .eventTime, operation: "event_elapsed",
                text: "An event's record has not happened yet, or has no time because its stream had failed.",
                isRetriable: true)
        }
        return time
    }
}

/// Moments until which calls wait.
enum Deadline {
    /// Nil for ever.
    static func after(_ milliseconds: Int32) -> Int64? {
        milliseconds < 0 ? nil : TimePoint.monotonicNow().nanoseconds + Int64(milliseconds) * 1_000_000
    }
}
