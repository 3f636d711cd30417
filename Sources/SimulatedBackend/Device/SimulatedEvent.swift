internal import AcceleratorAPI

/// One record of an event: what others wait for.
@safe final class EventRecord: @unchecked Sendable {
    // Unchecked: guarded by the device's monitor.
    private(set) var isDone = false
    private(set) var time: Int64 = 0
    private(set) var failure: DeviceError?
    /// The record before it, which has to happen first.
    private(set) var previous: EventRecord?

    /// The time of the record before it, where that happened already.
    private let floor: Int64

    init(after previous: EventRecord?) {
        let isOver = previous?.isDone ?? true
        floor = isOver ? previous?.time ?? 0 : 0
        self.previous = isOver ? nil : previous
    }

    var canHappen: Bool { previous?.isDone ?? true }

    /// The earliest time at which it can happen.
    var earliest: Int64 { previous?.time ?? floor }

    func happen(at time: Int64, failure: DeviceError?) {
        isDone = true
        self.time = time
        self.failure = failure
        previous = nil
    }
}

/// An event of a simulated device.
@safe final class SimulatedEvent: OwnedObject, @unchecked Sendable {
    // Unchecked: guarded by the device's monitor.
    static let kindName = "an event"

    let context: SimulatedContext
    let epoch: UInt64
    var latest: EventRecord?
    /// Waits of streams that are not over.
    var waits = 0
    /// When the last wait was over.
    var waitsEnd: Int64 = 0

    init(in context: SimulatedContext) {
        self.context = context
        epoch = context.epoch
        context.living.events += 1
    }

    func recorded(_ operation: String) throws(DeviceError) -> EventRecord {
        guard let latest else {
            throw DeviceError(
                .eventNotRecorded, operation: operation,
                text: "\(operation) got an event of \(context.device.name) that no stream records.")
        }
        return latest
    }

    /// Whether the record has happened by the device's clock.
    func hasHappened(_ record: EventRecord) -> Bool {
        record.isDone && (!context.device.isVirtual || record.time <= context.device.machine.now)
    }
}
