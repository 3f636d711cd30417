internal import AcceleratorAPI
internal import CCUDA
internal import CHengAccelerator
internal import Essentials

/// A thread for the caller's host functions of a stream.
@safe final class HostWorker: @unchecked Sendable {
    // Unchecked: the handle never changes, and the C side locks.
    private let handle: OpaquePointer

    /// Nil where the system starts no further thread.
    init?() {
        guard let handle = unsafe hcu_worker_create() else { return nil }
        unsafe self.handle = unsafe handle
    }

    deinit { unsafe hcu_worker_destroy(handle) }

    /// Whether the caller is that thread.
    var isCurrent: Bool { unsafe hcu_worker_is_current(handle) != 0 }

    func run(_ body: @convention(c) (UnsafeMutableRawPointer?) -> Void, _ argument: UnsafeMutableRawPointer) {
        unsafe hcu_worker_run(handle, body, argument)
    }
}

/// A host function of the caller's in a stream, with its own copy of the arguments.
///
/// The driver's thread must not call the driver, and ours may call the table. So the driver's thread hands the function
/// to a thread of the stream and waits. It serves all streams, so a host function must not wait for one of another
/// stream of the device.
@safe final class HostCall: @unchecked Sendable {
    // Unchecked: nothing changes after init; the argument bytes are the function's own.
    private unowned let stream: CUDAStream
    private let function: UInt
    private let number: UInt64?
    private let arguments: UnsafeMutableRawPointer
    private let worker: HostWorker
    private let failures: CUDAFailures
    private let deviceName: String
    private let correlation: UInt64
    /// Whether a recording keeps it; then the stream may be gone when it runs.
    private let isKept: Bool

    init(
        _ stream: CUDAStream, function: UInt, canFail: Bool, arguments: UnsafeRawPointer?, size: Int,
        correlation: UInt64
    ) throws(DeviceError) {
        worker = try stream.worker("stream_launch")
        self.stream = stream
        self.function = function
        failures = stream.recordingFailures ?? stream.failures
        number = canFail ? failures.nextNumber() : nil
        deviceName = stream.device.name
        self.correlation = correlation
        isKept = stream.isRecording
        unsafe self.arguments = UnsafeMutableRawPointer.allocate(
            byteCount: Int(HENG_ARGUMENT_LIMIT), alignment: 16)
        if size > 0, let arguments = unsafe arguments {
            unsafe self.arguments.copyMemory(from: arguments, byteCount: size)
        }
    }

    deinit { unsafe arguments.deallocate() }

    /// Puts it into its stream.
    func enqueue() throws(DeviceError) {
        let user = unsafe Unmanaged.passUnretained(self).toOpaque()
        try unsafe stream.enqueue(
            self, { user in unsafe HostCall.arrive(user) }, user, "stream_launch")
    }

    /// On the driver's thread: behind a failure of the stream nothing runs.
    private static func arrive(_ user: UnsafeMutableRawPointer?) {
        guard let user = unsafe user else { return }
        let call = unsafe Unmanaged<HostCall>.fromOpaque(user).takeUnretainedValue()
        if call.failures.current == nil {
            unsafe call.worker.run(
                { user in
                    guard let user = unsafe user else { return }
                    unsafe Unmanaged<HostCall>.fromOpaque(user).takeUnretainedValue().run()
                }, user)
        }
        if !call.isKept { call.stream.forget(call) }
    }

    private func run() {
        guard let number else {
            unsafe unsafeBitCast(function, to: heng_host_function.self)(arguments)
            return
        }
        let code = unsafe unsafeBitCast(function, to: heng_fallible_host_function.self)(arguments)
        guard code != 0 else { return }
        failures.fail(
            number,
            with: DeviceError(
                .execution, scope: .stream, operation: "stream_launch_fallible",
                text: "A host function in a stream of \(deviceName) failed with code \(code).",
                nativeCode: Int(code), correlation: correlation))
    }
}

/// A copy or fill on the host in a stream's order; it calls no driver, and so runs on the driver's thread.
@safe final class HostWork: @unchecked Sendable {
    // Unchecked: nothing changes after init.
    private unowned let stream: CUDAStream
    private let work: UnsafeMutablePointer<hcu_host_work>

    init(_ stream: CUDAStream, _ work: hcu_host_work) {
        self.stream = stream
        unsafe self.work = .allocate(capacity: 1)
        unsafe self.work.initialize(to: work)
        guard !stream.isRecording else { return }
        unsafe self.work.pointee.last = 1
        unsafe self.work.pointee.owner = unsafe Unmanaged.passUnretained(self).toOpaque()
        unsafe self.work.pointee.done = { owner in
            guard let owner = unsafe owner else { return }
            let work = unsafe Unmanaged<HostWork>.fromOpaque(owner).takeUnretainedValue()
            work.stream.forget(work)
        }
    }

    deinit { unsafe work.deallocate() }

    func enqueue(_ operation: StaticString) throws(DeviceError) {
        try unsafe stream.enqueue(self, { unsafe hcu_host_run($0) }, work, operation)
    }
}
