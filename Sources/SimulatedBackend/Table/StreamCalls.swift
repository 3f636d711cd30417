internal import AcceleratorAPI
internal import CHengAccelerator

extension SimulatedTable {
    static func addStreamFunctions(_ table: inout heng_accelerator_table) {
        unsafe table.stream_create = { context, arguments, result, error in
            unsafe ErrorCrossing.export(to: error) { () throws(DeviceError) in
                try unsafe SimulatedTable.with(context: context, "stream_create") {
                    context throws(DeviceError) in
                    let target = try unsafe place(result, "stream_create")
                    let arguments = try unsafe SimulatedTable.streamArguments(arguments, context.device)
                    _ = try context.device.strike("stream_create", in: context)
                    try context.device.check(context, "stream_create")
                    try context.device.checkStreamLimit()
                    let stream = SimulatedStream(
                        in: context, priority: unsafe arguments.priority,
                        workMilliseconds: unsafe arguments.work_milliseconds,
                        continues: unsafe arguments.continues != 0)
                    unsafe target.pointee = Handles.add(stream)
                }
            }
        }
        unsafe table.stream_destroy = { handle, error in
            unsafe ErrorCrossing.export(to: error) { () throws(DeviceError) in
                try unsafe SimulatedTable.with(handle, SimulatedStream.self, "stream_destroy") {
                    stream throws(DeviceError) in
                    guard !stream.isCurrent else { throw stream.selfWait("stream_destroy") }
                    let actions = try stream.device.strike("stream_destroy")
                    let failure = stream.close(isLeak: actions.contains(.leak))
                    unsafe Handles.remove(handle)
                    if let failure { throw failure }
                }
            }
        }
        unsafe table.stream_synchronize = { stream, milliseconds, error in
            unsafe ErrorCrossing.export(to: error) { () throws(DeviceError) in
                try unsafe SimulatedTable.with(stream, SimulatedStream.self, "stream_synchronize") {
                    stream throws(DeviceError) in
                    try stream.enterWait("stream_synchronize")
                    try stream.synchronize(milliseconds, "stream_synchronize")
                }
            }
        }
        unsafe table.stream_query = { stream, idle, error in
            unsafe ErrorCrossing.export(to: error) { () throws(DeviceError) in
                try unsafe SimulatedTable.with(stream, SimulatedStream.self, "stream_query") {
                    stream throws(DeviceError) in
                    let target = try unsafe place(idle, "stream_query")
                    try stream.enterWait("stream_query")
                    unsafe target.pointee = try stream.isDone() ? 1 : 0
                }
            }
        }
        unsafe table.stream_abort = { stream, error in
            unsafe ErrorCrossing.export(to: error) { () throws(DeviceError) in
                try unsafe SimulatedTable.with(stream, SimulatedStream.self, "stream_abort") {
                    stream throws(DeviceError) in
                    try stream.device.require(.abort, "stream_abort")
                    guard !stream.isCurrent else { throw stream.selfWait("stream_abort") }
                    _ = try stream.device.strike("stream_abort")
                    try stream.abort()
                }
            }
        }
    }

    private static func streamArguments(
        _ given: UnsafePointer<heng_stream_arguments>?, _ device: SimulatedDevice
    ) throws(DeviceError) -> heng_stream_arguments {
        guard let given = unsafe given else { return unsafe heng_stream_arguments() }
        let arguments = try unsafe Arguments.read(
            given, HENG_KIND_STREAM_ARGUMENTS, heng_stream_arguments(), "stream_create")
        if unsafe arguments.cpu_count > 0 {
            throw invalid(
                "stream_create", "\(device.name) does not run on CPUs, so a stream cannot choose any.")
        }
        if unsafe arguments.work_milliseconds > 0 {
            try device.require(.limitWorkTime, "stream_create with a limit of work time")
        }
        if unsafe arguments.continues != 0 {
            try device.require(.continueAfterFailure, "stream_create that goes on after failures")
        }
        if unsafe arguments.priority != 0 {
            try device.require(.orderStreams, "stream_create with a priority")
        }
        return unsafe arguments
    }
}

// What the functions do. The monitor is held.
extension SimulatedDevice {
    func checkStreamLimit() throws(DeviceError) {
        let living = streams.count + leakedStreams
        guard settings.streamLimit == 0 || living < settings.streamLimit else {
            throw DeviceError(
                .outOfStreams, operation: "stream_create",
                text: "\(name) has \(settings.streamLimit) streams, and all of them live: "
                    + holders { $0.streams.count } + ".", isRetriable: true)
        }
    }

    /// Which contexts hold how many of something.
    func holders(_ count: (SimulatedContext) -> Int) -> String {
        contexts.filter { count($0) > 0 }.map { "context \($0.number) holds \(count($0))" }
            .joined(separator: ", ")
    }
}

extension SimulatedStream {
    func selfWait(_ operation: String) -> DeviceError {
        DeviceError(
            .misuse, operation: operation,
            text: "A host function of a stream of \(device.name) waits for its own stream.")
    }

    /// What calls that wait for the stream do first.
    func enterWait(_ operation: String) throws(DeviceError) {
        guard !isCurrent else { throw selfWait(operation) }
        try refuseWhileRecording(operation)
        _ = try device.strike(operation, on: self)
        try device.check(self, operation)
    }

    func refuseWhileRecording(_ operation: String) throws(DeviceError) {
        guard capture == nil else {
            throw DeviceError(
                .misuse, operation: operation,
                text: "\(operation) cannot be part of the recording that a stream of \(device.name) makes.")
        }
    }

    /// Whether all work is done by the device's clock; a look at work that is not turns the clock.
    func isDone() throws(DeviceError) -> Bool {
        device.settle()
        switch outcome(of: submitted) {
        case .failed(let error, let time) where !device.isVirtual || time <= machine.now:
            device.see()
            tell(error)
            throw error
        case .done(let time) where !device.isVirtual || time <= machine.now: return true
        case .failed, .done, .pending:
            device.look()
            return false
        }
    }

    /// Waits for the work and ends the stream; returns what the work had failed with.
    func close(isLeak: Bool) -> DeviceError? {
        var problem: DeviceError?
        capture = nil
        if !context.isDead, epoch == context.epoch {
            do throws(DeviceError) { try synchronize(-1, "stream_destroy") } catch { problem = error }
        }
        isClosing = true
        device.monitor.wakeAll()
        while hasWorker { device.monitor.wait() }
        leave(isLeak: isLeak)
        return problem
    }

    func abort() throws(DeviceError) {
        try device.check(context, "stream_abort")
        capture = nil
        // What can run without the host has begun, by the rule of the virtual clock.
        device.settle()
        let first = running?.command ?? queue.first
        let work = first.map { " in \($0.name), correlation \($0.correlation)" } ?? ""
        end(
            with: DeviceError(
                .cancelled, scope: .stream, operation: "stream_abort",
                text: "A stream of \(device.name) was aborted\(work).", correlation: first?.correlation ?? 0,
                operatorName: first?.operatorName), at: max(machine.now, end))
        running?.isStopped = true
        device.monitor.wakeAll()
        while isRunning { device.monitor.wait() }
        machine.advance(to: end)
        device.see()
    }
}
