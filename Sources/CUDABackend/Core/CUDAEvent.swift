internal import AcceleratorAPI
internal import CCUDA
internal import Essentials
internal import Synchronization

/// A point in a stream's work.
@safe final class CUDAEvent: @unchecked Sendable {
    // Unchecked: the driver's handle never changes; the rest is locked.
    let context: CUDAContext
    let generation: Int
    private let native: OpaquePointer
    private let state = Mutex(State())

    private struct State: Sendable {
        var stream: UInt64?
        var origins: [ObjectIdentifier: CUDAFailures.Origin] = [:]
        /// Events of the driver behind waits for this one, to tell when they are over.
        var waits: [UInt] = []
    }

    init(in context: CUDAContext) throws(DeviceError) {
        try context.enter("event_create")
        self.context = context
        generation = context.generation
        unsafe native = unsafe try CUDAEvent.make(context.device, HCU_EVENT_WITH_TIME, "event_create")
        context.living.count(\.events, 1)
    }

    static func make(
        _ device: CUDADevice, _ flags: Int, _ operation: StaticString
    ) throws(DeviceError) -> OpaquePointer {
        var event: OpaquePointer?
        let result = unsafe device.libraries.driver.pointee.cuEventCreate(&event, UInt32(flags))
        if result == HCU_OUT_OF_MEMORY {
            throw DeviceError(
                .outOfEvents, operation: "\(operation)",
                text: "\(device.name) has no room for a further event.",
                nativeCode: Int(result), isRetriable: true)
        }
        try device.check(result, operation)
        guard let event = unsafe event else {
            throw DeviceError(.general, operation: "\(operation)", text: "The driver made no event.")
        }
        return unsafe event
    }

    var device: CUDADevice { context.device }

    private func enter(_ operation: StaticString) throws(DeviceError) {
        guard generation == device.generation else {
            throw device.deadError(operation, generation: generation, isContext: false)
        }
        try context.enter(operation)
    }

    func close() {
        if generation == device.generation {
            let driver = unsafe device.libraries.driver
            for wait in state.withLock({ $0.waits }) {
                _ = unsafe driver.pointee.cuEventDestroy(OpaquePointer(bitPattern: wait))
            }
            _ = unsafe driver.pointee.cuEventDestroy(native)
        }
        context.living.count(\.events, -1)
    }

    /// Records it when the stream's work so far is done, and after its record before this one.
    func record(in stream: CUDAStream) throws(DeviceError) {
        try stream.enter("event_record")
        try stream.refuseWhileRecording("event_record")
        guard generation == stream.generation else {
            try enter("event_record")
            return
        }
        let driver = unsafe device.libraries.driver
        let before = state.withLock { $0.stream }
        if let before, before != stream.number {
            try device.check(
                unsafe driver.pointee.cuStreamWaitEvent(stream.native, native, 0), "event_record")
        }
        try device.check(
            unsafe driver.pointee.cuEventRecord(native, stream.native), "event_record", on: stream)
        let origins = stream.failures.snapshot()
        state.withLock { state in
            state.stream = stream.number
            state.origins = origins
        }
    }

    /// Makes later work of the stream wait for the latest record.
    func hold(_ stream: CUDAStream, correlation: UInt64) throws(DeviceError) {
        try stream.enter("stream_wait_event")
        try stream.refuseWhileRecording("stream_wait_event")
        let origins = try recorded("stream_wait_event")
        let driver = unsafe device.libraries.driver
        let work = CUDAWork(
            operation: "stream_wait_event", kind: CUDAProfiler.wait, correlation: correlation)
        try stream.submit(work) { () throws(DeviceError) in
            try device.check(
                unsafe driver.pointee.cuStreamWaitEvent(stream.native, native, 0), "stream_wait_event",
                on: stream)
        }
        stream.failures.inherit(origins)
        let marker = unsafe try CUDAEvent.make(device, HCU_EVENT_WITHOUT_TIME, "stream_wait_event")
        try device.check(
            unsafe driver.pointee.cuEventRecord(marker, stream.native), "stream_wait_event", on: stream)
        let old = state.withLock { state -> [UInt] in
            let done = state.waits.filter {
                unsafe driver.pointee.cuEventQuery(OpaquePointer(bitPattern: $0)) == 0
            }
            state.waits.removeAll { done.contains($0) }
            state.waits.append(UInt(bitPattern: marker))
            return done
        }
        for event in old { _ = unsafe driver.pointee.cuEventDestroy(OpaquePointer(bitPattern: event)) }
    }

    /// The failures the latest record carries, or the error that there is no record.
    private func recorded(_ operation: StaticString) throws(DeviceError) -> [ObjectIdentifier: CUDAFailures
        .Origin]
    {
        try enter(operation)
        let (isRecorded, origins) = state.withLock { ($0.stream != nil, $0.origins) }
        guard isRecorded else {
            throw DeviceError(
                .eventNotRecorded, operation: "\(operation)",
                text: "No stream was asked to record this event.")
        }
        return origins
    }

    /// Whether the latest record has happened.
    func isComplete(_ operation: StaticString) throws(DeviceError) -> Bool {
        _ = try recorded(operation)
        let result = unsafe device.libraries.driver.pointee.cuEventQuery(native)
        if result == HCU_NOT_READY { return false }
        try device.check(result, operation)
        return true
    }

    /// Waits for the latest record, as streams wait.
    func synchronize(milliseconds: Int32) throws(DeviceError) {
        let origins = try recorded("event_synchronize")
        let isDone = unsafe try CUDAWait.wait(milliseconds, device, "event_synchronize", on: nil) {
            driver, mayBlock in
            unsafe mayBlock ? driver.pointee.cuEventSynchronize(native) : driver.pointee.cuEventQuery(native)
        }
        guard isDone else {
            throw DeviceError(
                .timeout, operation: "event_synchronize",
                text: "An event of \(device.name) has not happened after \(milliseconds) ms.",
                isRetriable: true)
        }
        for origin in origins.values { if let failure = origin.failure { throw failure } }
    }

    /// The time to another event in milliseconds.
    func elapsed(to end: CUDAEvent) throws(DeviceError) -> Double {
        for event in [self, end] {
            let isThere = event.state.withLock { $0.stream != nil }
            guard isThere, try event.isComplete("event_elapsed") else {
                throw DeviceError(
                    .eventTime, operation: "event_elapsed", text: "An event's record has not happened yet.",
                    isRetriable: true)
            }
        }
        var milliseconds: Float = 0
        try device.check(
            unsafe device.libraries.driver.pointee.cuEventElapsedTime(&milliseconds, native, end.native),
            "event_elapsed")
        return Double(milliseconds)
    }

    /// Forgets the latest record, which must have happened.
    func reset() throws(DeviceError) {
        try enter("event_reset")
        if state.withLock({ $0.stream == nil }) { return }
        guard try isComplete("event_reset") else {
            throw DeviceError(
                .misuse, operation: "event_reset", text: "The event's record has not happened yet.",
                isRetriable: true)
        }
        state.withLock { state in
            state.stream = nil
            state.origins = [:]
        }
    }

    /// Whether all waits submitted for it are over.
    func areWaitsOver() throws(DeviceError) -> Bool {
        try enter("event_query_waits")
        let driver = unsafe device.libraries.driver
        for wait in state.withLock({ $0.waits }) {
            let result = unsafe driver.pointee.cuEventQuery(OpaquePointer(bitPattern: wait))
            if result == HCU_NOT_READY { return false }
            try device.check(result, "event_query_waits")
        }
        return true
    }
}
