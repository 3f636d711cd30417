internal import AcceleratorAPI
internal import CCUDA
internal import CHengAccelerator
internal import Essentials
internal import Synchronization

#if canImport(Glibc)
internal import Glibc
#endif

/// An ordered lane of work.
@safe final class CUDAStream: @unchecked Sendable {
    // Unchecked: the driver's handle never changes; everything that does is atomic or locked.
    let context: CUDAContext
    let generation: Int
    let native: OpaquePointer
    let journal: CUDAJournal
    let failures = CUDAFailures()
    let number: UInt64
    private let marks: CUDAMarks?
    private let hostState = Mutex(HostState())
    private let isCapturingFlag = Atomic<Bool>(false)
    private static let numbers = Atomic<UInt64>(0)

    private struct HostState: Sendable {
        /// The thread that runs the caller's host functions; nil: none yet.
        var worker: HostWorker?
        /// Pinned memory for copies from and to ordinary memory; 0: none yet.
        var staging: UInt = 0
        /// Host functions on their way, kept alive until they have run.
        var calls: [ObjectIdentifier: any AnyObject & Sendable] = [:]
        var recording: CUDARecordingParts?
        /// Names of ranges of a profile that are open, with what began them.
        var ranges: [CUDAProfiler.Open] = []
    }

    init(in context: CUDAContext, priority: Int32) throws(DeviceError) {
        try context.enter("stream_create")
        let device = context.device
        var native: OpaquePointer?
        let result = unsafe device.libraries.driver.pointee.cuStreamCreateWithPriority(
            &native, UInt32(HCU_STREAM_NON_BLOCKING), CUDAStream.level(priority, device))
        if result == HCU_OUT_OF_MEMORY {
            throw DeviceError(
                .outOfStreams, operation: "stream_create",
                text: "\(device.name) has no room for a further stream.",
                nativeCode: Int(result), isRetriable: true)
        }
        try device.check(result, "stream_create")
        guard let native = unsafe native else {
            throw DeviceError(.general, operation: "stream_create", text: "The driver made no stream.")
        }
        self.context = context
        generation = context.generation
        unsafe self.native = unsafe native
        marks = context.marks
        journal = CUDAJournal(marks)
        number = CUDAStream.numbers.wrappingAdd(1, ordering: .relaxed).newValue
        context.living.count(\.streams, 1)
        device.add(self)
    }

    /// The driver's level: its numbers go down as the priority goes up, and 0 is the least.
    private static func level(_ priority: Int32, _ device: CUDADevice) -> Int32 {
        guard priority != 0 else { return 0 }
        var (least, greatest): (Int32, Int32) = (0, 0)
        guard unsafe device.libraries.driver.pointee.cuCtxGetStreamPriorityRange(&least, &greatest) == 0
        else {
            return 0
        }
        return min(least, max(greatest, -priority))
    }

    var device: CUDADevice { context.device }

    /// Makes the context the thread's, or throws why the stream does not work.
    @inline(__always)
    func enter(_ operation: StaticString) throws(DeviceError) {
        guard generation == device.generation else {
            throw device.deadError(operation, generation: generation, isContext: false)
        }
        try context.enter(operation)
    }

    /// Whether the caller is in a host function of this stream, which may not wait for itself.
    var isCurrent: Bool { hostState.withLock { $0.worker }?.isCurrent ?? false }

    // MARK: Waiting

    /// Waits for everything submitted so far; -1 waits for ever, 0 only looks.
    func synchronize(milliseconds: Int32) throws(DeviceError) {
        try enter("stream_synchronize")
        try refuseWhileRecording("stream_synchronize")
        guard !isCurrent else { throw selfWait("stream_synchronize") }
        let isDone = unsafe try CUDAWait.wait(milliseconds, device, "stream_synchronize", on: self) {
            driver, mayBlock in
            unsafe mayBlock
                ? driver.pointee.cuStreamSynchronize(native) : driver.pointee.cuStreamQuery(native)
        }
        if let failure = failures.current { throw failure }
        guard isDone else {
            throw DeviceError(
                .timeout, operation: "stream_synchronize",
                text: "Work in a stream of \(device.name) is not done after \(milliseconds) ms.",
                isRetriable: true)
        }
    }

    /// Whether everything submitted so far is done.
    func isIdle(_ operation: StaticString) throws(DeviceError) -> Bool {
        try enter(operation)
        let result = unsafe device.libraries.driver.pointee.cuStreamQuery(native)
        if result == HCU_NOT_READY { return false }
        try device.check(result, operation, on: self)
        return true
    }

    /// Lets the work finish and destroys the stream; throws what the work had failed with.
    func close() throws(DeviceError) {
        guard !isCurrent else { throw selfWait("stream_destroy") }
        var failure: DeviceError?
        if isRecording { _ = unsafe try? endCapture() }
        do throws(DeviceError) { try synchronize(milliseconds: -1) } catch { failure = error }
        let state = hostState.withLock { state in
            defer { state = HostState() }
            return state
        }
        if generation == device.generation {
            // A broken context refuses these too; its memory goes with the reset.
            _ = unsafe device.libraries.driver.pointee.cuStreamDestroy(native)
            if let staging = unsafe UnsafeMutableRawPointer(bitPattern: state.staging) {
                _ = unsafe device.libraries.driver.pointee.cuMemFreeHost(staging)
            }
            journal.close()
        }
        device.remove(self)
        context.living.count(\.streams, -1)
        if let failure { throw failure }
    }

    private func selfWait(_ operation: String) -> DeviceError {
        DeviceError(
            .misuse, operation: operation,
            text: "A host function of a stream of \(device.name) waits for its own stream.")
    }
}

// MARK: - Submission

/// What a piece of work is, for errors and profiles.
struct CUDAWork {
    var operation: StaticString
    var kind: Int
    var correlation: UInt64
    var bytes: UInt64 = 0
    var name: String?
}

extension CUDAStream {
    /// Puts work into the stream: every submission goes through here.
    func submit(_ work: CUDAWork, _ body: () throws(DeviceError) -> Void) throws(DeviceError) {
        try enter(work.operation)
        if let failure = failures.current { throw failure }
        if isRecording {
            try body()
            hostState.withLock { $0.recording?.count += 1 }
            return
        }
        let profiler = context.profiler
        let begin = try profiler?.event(on: self)
        let place = work.correlation == 0 ? nil : journal.note(work.correlation, work.operation)
        try body()
        if let profiler, let begin { try profiler.finish(work, begin, on: self) }
        if let place { try journal.mark(place, in: self) }
    }

    /// Runs a host function when the work before it is done, and keeps `call` until then.
    func enqueue(
        _ call: some AnyObject & Sendable,
        _ function: @escaping @convention(c) (UnsafeMutableRawPointer?) -> Void,
        _ user: UnsafeMutableRawPointer, _ operation: StaticString
    ) throws(DeviceError) {
        let id = ObjectIdentifier(call)
        let isRecording = isRecording
        hostState.withLock { state in
            if isRecording { state.recording?.calls.append(call) } else { state.calls[id] = call }
        }
        let result = unsafe device.libraries.driver.pointee.cuLaunchHostFunc(native, function, user)
        if result != 0, !isRecording { hostState.withLock { $0.calls[id] = nil } }
        try device.check(result, operation, on: self)
    }

    /// The host function has run.
    func forget(_ call: AnyObject) { hostState.withLock { $0.calls[ObjectIdentifier(call)] = nil } }

    /// The thread for the caller's host functions, started when first needed.
    func worker(_ operation: StaticString) throws(DeviceError) -> HostWorker {
        let worker = hostState.withLock { state -> HostWorker? in
            if state.worker == nil { state.worker = HostWorker() }
            return state.worker
        }
        guard let worker else {
            throw DeviceError(
                .outOfResources, operation: "\(operation)", text: "The system starts no further thread.",
                isRetriable: true)
        }
        return worker
    }

    /// Where host functions of the recording that is being made fail; nil while none is.
    var recordingFailures: CUDAFailures? {
        isRecording ? hostState.withLock { $0.recording?.failures } : nil
    }

    static let stagingBytes = 4 << 20

    /// Pinned memory of this stream; its work takes turns with it, in the stream's order.
    func staging(_ operation: StaticString) throws(DeviceError) -> UnsafeMutablePointer<UInt8> {
        var result: Int32 = 0
        let address = hostState.withLock { state -> UInt in
            guard state.staging == 0 else { return state.staging }
            var place: UnsafeMutableRawPointer?
            let flags = UInt32(HCU_HOST_PORTABLE)
            result = unsafe device.libraries.driver.pointee.cuMemHostAlloc(
                &place, CUDAStream.stagingBytes, flags)
            if result == 0 { state.staging = UInt(bitPattern: place) }
            return state.staging
        }
        try device.check(result, operation, on: self)
        guard let place = unsafe UnsafeMutablePointer<UInt8>(bitPattern: address) else {
            throw DeviceError(
                .outOfHostMemory, operation: "\(operation)", text: "There is no pinned host memory.")
        }
        return unsafe place
    }

    /// The open ranges of a profile.
    func withRanges<Value: Sendable>(_ body: (inout [CUDAProfiler.Open]) -> Value) -> Value {
        hostState.withLock { body(&$0.ranges) }
    }
}

// MARK: - Recording

extension CUDAStream {
    var isRecording: Bool { isCapturingFlag.load(ordering: .acquiring) }

    func refuseWhileRecording(_ operation: StaticString) throws(DeviceError) {
        guard isRecording else { return }
        throw DeviceError(
            .misuse, operation: "\(operation)",
            text: "\(operation) came to a stream of \(device.name) that is being recorded.")
    }

    func beginCapture() throws(DeviceError) {
        try enter("recording_begin")
        try refuseWhileRecording("recording_begin")
        if let failure = failures.current { throw failure }
        let mode = Int32(HCU_CAPTURE_RELAXED)
        try device.check(
            unsafe device.libraries.driver.pointee.cuStreamBeginCapture(native, mode), "recording_begin",
            on: self)
        hostState.withLock { $0.recording = CUDARecordingParts() }
        isCapturingFlag.store(true, ordering: .releasing)
    }

    /// Ends the recording; the graph is the caller's.
    func endCapture() throws(DeviceError) -> (graph: OpaquePointer, parts: CUDARecordingParts) {
        try enter("recording_end")
        guard isRecording else {
            throw DeviceError(
                .misuse, operation: "recording_end", text: "A stream of \(device.name) is not being recorded."
            )
        }
        isCapturingFlag.store(false, ordering: .releasing)
        let parts = hostState.withLock { state in
            defer { state.recording = nil }
            return state.recording
        }
        var graph: OpaquePointer?
        try device.check(
            unsafe device.libraries.driver.pointee.cuStreamEndCapture(native, &graph), "recording_end",
            on: self)
        guard let graph = unsafe graph, let parts else {
            throw DeviceError(.general, operation: "recording_end", text: "The driver gave no graph.")
        }
        return unsafe (graph, parts)
    }
}

/// What a recording keeps besides the driver's graph.
struct CUDARecordingParts: Sendable {
    var count: UInt64 = 0
    /// What host functions in the graph fail with, in whatever stream it runs.
    let failures = CUDAFailures()
    /// Host functions in the graph, kept alive as long as it.
    var calls: [any AnyObject & Sendable] = []
}

/// Waiting with a time limit, for streams and events alike.
enum CUDAWait {
    /// Whether it is done: `look` asks without waiting, or waits where it may.
    static func wait(
        _ milliseconds: Int32, _ device: CUDADevice, _ operation: StaticString, on stream: CUDAStream?,
        _ look: (UnsafePointer<hcu_driver>, _ mayBlock: Bool) -> Int32
    ) throws(DeviceError) -> Bool {
        let driver = unsafe device.libraries.driver
        if milliseconds < 0 {
            try device.check(unsafe look(driver, true), operation, on: stream)
            return true
        }
        let start = TimePoint.monotonicNow()
        var pause: UInt32 = 20
        while true {
            let result = unsafe look(driver, false)
            if result == 0 { return true }
            if result != HCU_NOT_READY { throw device.failure(result, operation, on: stream) }
            if TimePoint.monotonicNow() - start >= .milliseconds(Int(milliseconds)) { return false }
            usleep(pause)
            pause = min(pause * 2, 500)
        }
    }
}
