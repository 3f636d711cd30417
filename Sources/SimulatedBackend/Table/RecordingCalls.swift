internal import AcceleratorAPI
internal import CHengAccelerator

/// Work that a stream kept instead of running it.
@safe final class SimulatedRecording: OwnedObject, @unchecked Sendable {
    // Unchecked: written once, apart from the context's count.
    static let kindName = "a recording"

    let context: SimulatedContext
    let epoch: UInt64
    let commands: [Command]

    init(in context: SimulatedContext, _ commands: [Command]) {
        self.context = context
        epoch = context.epoch
        self.commands = commands
        context.living.recordings += 1
    }
}

/// The group of recordings.
enum SimulatedRecordings {
    static func make() -> heng_recording_table {
        var table = unsafe heng_recording_table()
        unsafe table.header = StructCrossing.header(
            HENG_KIND_RECORDING_TABLE, of: heng_recording_table.self)
        unsafe addMaking(&table)
        unsafe addUsing(&table)
        return unsafe table
    }

    private static func addMaking(_ table: inout heng_recording_table) {
        unsafe table.recording_begin = { stream, error in
            unsafe ErrorCrossing.export(to: error) { () throws(DeviceError) in
                try unsafe SimulatedTable.with(stream, SimulatedStream.self, "recording_begin") {
                    stream throws(DeviceError) in
                    try stream.refuseWhileRecording("recording_begin")
                    _ = try stream.enterWork("recording_begin", 0)
                    stream.capture = []
                }
            }
        }
        unsafe table.recording_end = { stream, result, error in
            unsafe ErrorCrossing.export(to: error) { () throws(DeviceError) in
                try unsafe SimulatedTable.with(stream, SimulatedStream.self, "recording_end") {
                    stream throws(DeviceError) in
                    let target = try unsafe place(result, "recording_end")
                    _ = try stream.enterWork("recording_end", 0)
                    guard let commands = stream.capture else {
                        throw DeviceError(
                            .misuse, operation: "recording_end",
                            text: "A stream of \(stream.device.name) makes no recording that could end.")
                    }
                    stream.capture = nil
                    unsafe target.pointee = Handles.add(SimulatedRecording(in: stream.context, commands))
                }
            }
        }
    }

    private static func addUsing(_ table: inout heng_recording_table) {
        unsafe table.recording_count = { recording, count, error in
            unsafe ErrorCrossing.export(to: error) { () throws(DeviceError) in
                try unsafe SimulatedTable.with(recording, SimulatedRecording.self, "recording_count") {
                    recording throws(DeviceError) in
                    try unsafe place(count, "recording_count").pointee =
                        UInt64(recording.commands.count)
                }
            }
        }
        unsafe table.recording_submit = { recording, stream, correlation, error in
            unsafe ErrorCrossing.export(to: error) { () throws(DeviceError) in
                let stream = try unsafe Handles.find(stream, SimulatedStream.self, "recording_submit")
                try unsafe SimulatedTable.with(recording, SimulatedRecording.self, "recording_submit") {
                    recording throws(DeviceError) in
                    try stream.submit(recording, correlation)
                }
            }
        }
        unsafe table.recording_destroy = { handle, error in
            unsafe ErrorCrossing.export(to: error) { () throws(DeviceError) in
                try unsafe SimulatedTable.with(handle, SimulatedRecording.self, "recording_destroy") {
                    recording throws(DeviceError) in
                    _ = try recording.context.device.strike("recording_destroy")
                    recording.context.living.recordings -= 1
                    unsafe Handles.remove(handle)
                }
            }
        }
    }
}

extension SimulatedStream {
    /// Runs what a recording holds, with the monitor held; each piece counts again in the fault script.
    fileprivate func submit(_ recording: SimulatedRecording, _ correlation: UInt64) throws(DeviceError) {
        let operation = "recording_submit"
        guard recording.context.device === device else {
            throw DeviceError(
                .wrongOwner, operation: operation,
                text:
                    "A recording of \(recording.context.device.name) is submitted to a stream "
                    + "of \(device.name)."
            )
        }
        try refuseWhileRecording(operation)
        _ = try enterWork(operation, correlation)
        try device.check(recording, operation)
        guard queue.count + recording.commands.count <= SimulatedStream.queueLimit else {
            throw DeviceError(
                .outOfResources, operation: operation,
                text:
                    "A stream of \(device.name) has no place for \(recording.commands.count) pieces of work.",
                isRetriable: true, correlation: correlation)
        }
        for recorded in recording.commands {
            var command = recorded
            if correlation != 0 { command.correlation = correlation }
            command.faults = device.machine.script.strike(
                command.function, correlation: command.correlation, operatorName: command.operatorName)
            try submit(command)
        }
    }
}
