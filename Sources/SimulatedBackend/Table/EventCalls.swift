internal import AcceleratorAPI
internal import CHengAccelerator

extension SimulatedTable {
    static func addEventFunctions(_ table: inout heng_accelerator_table) {
        unsafe table.event_create = { context, result, error in
            unsafe ErrorCrossing.export(to: error) { () throws(DeviceError) in
                try unsafe SimulatedTable.with(context: context, "event_create") {
                    context throws(DeviceError) in
                    let target = try unsafe place(result, "event_create")
                    _ = try context.device.strike("event_create", in: context)
                    try context.device.check(context, "event_create")
                    try context.device.checkEventLimit()
                    unsafe target.pointee = Handles.add(SimulatedEvent(in: context))
                }
            }
        }
        unsafe table.event_destroy = { handle, error in
            unsafe ErrorCrossing.export(to: error) { () throws(DeviceError) in
                try unsafe SimulatedTable.with(handle, SimulatedEvent.self, "event_destroy") {
                    event throws(DeviceError) in
                    let actions = try event.context.device.strike("event_destroy")
                    event.context.living.events -= 1
                    if actions.contains(.leak) { event.context.device.leakedEvents += 1 }
                    unsafe Handles.remove(handle)
                }
            }
        }
        unsafe table.event_record = { event, stream, correlation, error in
            unsafe ErrorCrossing.export(to: error) { () throws(DeviceError) in
                let stream = try unsafe Handles.find(stream, SimulatedStream.self, "event_record")
                try unsafe SimulatedTable.with(event, SimulatedEvent.self, "event_record") {
                    event throws(DeviceError) in
                    try event.record(in: stream, correlation)
                }
            }
        }
        unsafe table.event_reset = { event, error in
            unsafe ErrorCrossing.export(to: error) { () throws(DeviceError) in
                try unsafe SimulatedTable.with(event, SimulatedEvent.self, "event_reset") {
                    event throws(DeviceError) in
                    try event.enter("event_reset")
                    if let latest = event.latest, !event.hasHappened(latest) {
                        throw DeviceError(
                            .misuse, operation: "event_reset",
                            text:
                                "An event of \(event.context.device.name) is reset before its record happened."
                        )
                    }
                    event.latest = nil
                }
            }
        }
    }

    static func addEventQuestions(_ table: inout heng_accelerator_table) {
        unsafe table.event_query = { event, complete, error in
            unsafe ErrorCrossing.export(to: error) { () throws(DeviceError) in
                try unsafe SimulatedTable.with(event, SimulatedEvent.self, "event_query") {
                    event throws(DeviceError) in
                    let target = try unsafe place(complete, "event_query")
                    try event.enter("event_query")
                    let record = try event.recorded("event_query")
                    let isComplete = event.hasHappened(record)
                    if !isComplete { event.context.device.look() }
                    unsafe target.pointee = isComplete ? 1 : 0
                }
            }
        }
        unsafe table.event_query_waits = { event, complete, error in
            unsafe ErrorCrossing.export(to: error) { () throws(DeviceError) in
                try unsafe SimulatedTable.with(event, SimulatedEvent.self, "event_query_waits") {
                    event throws(DeviceError) in
                    let target = try unsafe place(complete, "event_query_waits")
                    try event.enter("event_query_waits")
                    let device = event.context.device
                    let isComplete =
                        event.waits == 0 && (!device.isVirtual || event.waitsEnd <= device.machine.now)
                    if !isComplete { device.look() }
                    unsafe target.pointee = isComplete ? 1 : 0
                }
            }
        }
        unsafe table.event_synchronize = { event, milliseconds, error in
            unsafe ErrorCrossing.export(to: error) { () throws(DeviceError) in
                try unsafe SimulatedTable.with(event, SimulatedEvent.self, "event_synchronize") {
                    event throws(DeviceError) in
                    try event.enter("event_synchronize", settles: false)
                    try event.synchronize(milliseconds)
                }
            }
        }
        unsafe table.event_elapsed = { start, end, milliseconds, error in
            unsafe ErrorCrossing.export(to: error) { () throws(DeviceError) in
                let start = try unsafe Handles.find(start, SimulatedEvent.self, "event_elapsed")
                try unsafe SimulatedTable.with(end, SimulatedEvent.self, "event_elapsed") {
                    end throws(DeviceError) in
                    let target = try unsafe place(milliseconds, "event_elapsed")
                    try end.context.device.require(.timeEvents, "event_elapsed")
                    try end.context.device.checkOwner(start, "event_elapsed")
                    try end.enter("event_elapsed")
                    try start.context.device.check(start, "event_elapsed")
                    unsafe target.pointee = try end.milliseconds(since: start)
                }
            }
        }
    }
}

// What the functions do. The monitor is held.
extension SimulatedDevice {
    func checkEventLimit() throws(DeviceError) {
        guard settings.eventLimit == 0 || livingEvents < settings.eventLimit else {
            throw DeviceError(
                .outOfEvents, operation: "event_create",
                text: "\(name) has \(settings.eventLimit) events, and all of them live: "
                    + holders { $0.living.events } + ".", isRetriable: true)
        }
    }
}

extension SimulatedEvent {
    /// What every question about the event does first.
    func enter(_ operation: String, settles: Bool = true) throws(DeviceError) {
        _ = try context.device.strike(operation, in: context)
        try context.device.check(self, operation)
        if settles { context.device.settle() }
    }

    func record(in stream: SimulatedStream, _ correlation: UInt64) throws(DeviceError) {
        let device = context.device
        try device.checkOwner(stream, "event_record")
        try stream.refuseWhileRecording("event_record")
        _ = try device.strike("event_record", on: stream, correlation: correlation)
        try device.check(stream, "event_record")
        try device.check(self, "event_record")
        let record = EventRecord(after: latest)
        try stream.submit(
            Command(
                kind: .record(record), function: "event_record", correlation: correlation, name: "record"))
        latest = record
    }

    func synchronize(_ milliseconds: Int32) throws(DeviceError) {
        let record = try recorded("event_synchronize")
        guard !context.device.machine.streams.contains(where: { $0.isCurrent && $0.holds(record) }) else {
            throw DeviceError(
                .misuse, operation: "event_synchronize",
                text:
                    "A host function of \(context.device.name) waits for an event that its own stream records."
            )
        }
        try context.device.wait(milliseconds, "event_synchronize", "An event") {
            guard record.isDone else { return .pending }
            if let failure = record.failure { return .failed(failure, at: record.time) }
            return .done(at: record.time)
        }
    }

    func milliseconds(since start: SimulatedEvent) throws(DeviceError) -> Double {
        let from = try start.recorded("event_elapsed")
        let to = try recorded("event_elapsed")
        guard start.hasHappened(from), hasHappened(to) else {
            throw DeviceError(
                .eventTime, operation: "event_elapsed",
                text: "A record of an event of \(context.device.name) has not happened yet.",
                isRetriable: true)
        }
        return Double(to.time - from.time) / 1e6
    }
}

extension SimulatedStream {
    /// Whether the record waits in this stream.
    func holds(_ record: EventRecord) -> Bool {
        queue.contains { if case .record(let other) = $0.kind { other === record } else { false } }
    }
}
