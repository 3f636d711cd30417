import AcceleratorAPI
import CHengAccelerator
import Essentials
import Glibc
import OpenCLBackend
import Testing

/// The machine's first OpenCL device, and whether there is one.
enum TestDevice {
    static let all: [Device] =
        (try? DeviceRegistry.shared.devices(of: OpenCLDevices.backend, checked: false)) ?? []
    static var first: Device? { all.first }
    static var isThere: Bool { !all.isEmpty }
    static let reason: Comment = "no OpenCL device: pocl-opencl-icd makes the CPU one"

    /// The device that a test needs.
    static func get() throws -> Device { try #require(all.first) }
}

/// A call of the table failed.
struct TableFailure: Error, CustomStringConvertible {
    var code: DeviceError.Code
    var text: String
    var scope: Int32 = 0
    var correlation: UInt64 = 0
    var nativeCode: Int64 = 0
    var operatorName = ""
    var description: String { "\(code.rawValue): \(text)" }
}

/// The right to use OpenCL: one test at a time has it, as often as it likes.
///
/// PoCL 3.1 crashed inside its own library in one of several runs of all tests, with many contexts made and destroyed at
/// once, and in none of those that took turns.
private final class Turn {
    nonisolated(unsafe) private static let mutex: UnsafeMutablePointer<pthread_mutex_t> = {
        let place = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)
        var attributes = pthread_mutexattr_t()
        unsafe pthread_mutexattr_init(&attributes)
        unsafe pthread_mutexattr_settype(&attributes, Int32(PTHREAD_MUTEX_RECURSIVE))
        unsafe pthread_mutex_init(place, &attributes)
        return unsafe place
    }()

    init() { unsafe pthread_mutex_lock(Turn.mutex) }
    deinit { unsafe pthread_mutex_unlock(Turn.mutex) }
}

/// The table's functions with errors thrown, and one context with one stream.
@safe final class Harness {
    private let turn = Turn()
    let device: Device
    let functions: heng_accelerator_table
    let context: OpaquePointer
    let stream: OpaquePointer

    init(on device: Device? = nil) throws {
        let device = try device ?? TestDevice.get()
        self.device = device
        unsafe functions = unsafe device.table.functions.pointee
        var (context, stream): (OpaquePointer?, OpaquePointer?)
        try unsafe Harness.check(functions, functions.context_create(device.handle, &context, nil))
        unsafe self.context = try #require(unsafe context)
        try unsafe Harness.check(functions, functions.stream_create(context, nil, &stream, nil))
        unsafe self.stream = try #require(unsafe stream)
    }

    deinit {
        _ = unsafe functions.stream_destroy(stream, nil)
        _ = unsafe functions.context_destroy(context, nil)
    }

    private static func check(_ functions: heng_accelerator_table, _ status: Int32) throws {
        if status != 0 { throw TableFailure(code: DeviceError.Code(rawValue: status), text: "set-up") }
    }

    /// Calls a function of the table; throws what it reports.
    func call(_ body: (UnsafeMutablePointer<OpaquePointer?>) -> Int32) throws {
        var error: OpaquePointer?
        let status = unsafe body(&error)
        guard status != 0 else { return }
        throw unsafe failure(status, error)
    }

    /// The class that a call fails with; nil for success.
    func code(_ body: (UnsafeMutablePointer<OpaquePointer?>) -> Int32) -> DeviceError.Code? {
        do { try unsafe call(body) } catch { return (error as? TableFailure)?.code }
        return nil
    }

    func failure(_ status: Int32, _ error: OpaquePointer?) -> TableFailure {
        var failure = TableFailure(code: DeviceError.Code(rawValue: status), text: "no error object")
        guard let error = unsafe error else { return failure }
        defer { unsafe functions.error_destroy(error) }
        var description = unsafe heng_error_description()
        unsafe description.header = StructCrossing.header(
            HENG_KIND_ERROR_DESCRIPTION, of: heng_error_description.self)
        guard unsafe functions.error_describe(error, &description) == 0 else { return failure }
        #expect(unsafe description.code == status)
        failure.text = unsafe description.text.map { unsafe String(cString: $0) } ?? ""
        failure.scope = unsafe description.scope
        failure.correlation = unsafe description.correlation
        failure.nativeCode = unsafe description.native_code
        failure.operatorName = unsafe description.operator_name.map { unsafe String(cString: $0) } ?? ""
        return failure
    }

    func makeStream() throws -> OpaquePointer {
        var stream: OpaquePointer?
        try unsafe call { unsafe functions.stream_create(context, nil, &stream, $0) }
        return try unsafe #require(unsafe stream)
    }

    func makeEvent() throws -> OpaquePointer {
        var event: OpaquePointer?
        try unsafe call { unsafe functions.event_create(context, &event, $0) }
        return try unsafe #require(unsafe event)
    }

    func makeBuffer(_ size: Int) throws -> OpaquePointer {
        var buffer: OpaquePointer?
        var arguments = unsafe bufferArguments(size)
        try unsafe call { unsafe functions.buffer_allocate(context, &arguments, &buffer, $0) }
        return try unsafe #require(unsafe buffer)
    }

    func bufferArguments(_ size: Int) -> heng_buffer_arguments {
        var arguments = unsafe heng_buffer_arguments()
        unsafe arguments.header = StructCrossing.header(
            HENG_KIND_BUFFER_ARGUMENTS, of: heng_buffer_arguments.self)
        unsafe arguments.size = UInt64(size)
        unsafe arguments.numa_node = -1
        return unsafe arguments
    }

    func free(_ buffer: OpaquePointer) { _ = unsafe functions.buffer_free(buffer, nil) }

    func destroy(events: [OpaquePointer]) throws {
        for index in unsafe events.indices {
            try unsafe call { unsafe functions.event_destroy(events[index], $0) }
        }
    }

    func destroy(streams: [OpaquePointer]) throws {
        for index in unsafe streams.indices {
            try unsafe call { unsafe functions.stream_destroy(streams[index], $0) }
        }
    }

    func synchronize(_ stream: OpaquePointer? = nil, milliseconds: Int32 = -1) throws {
        try unsafe call { unsafe functions.stream_synchronize(stream ?? self.stream, milliseconds, $0) }
    }

    /// Puts bytes into a buffer, and waits.
    func write(_ bytes: [UInt8], to buffer: OpaquePointer, offset: Int = 0) throws {
        guard !bytes.isEmpty else { return }
        var bytes = bytes
        let count = bytes.count
        try unsafe bytes.withUnsafeMutableBytes { place in
            var target = unsafe heng_range(
                buffer: buffer, host: nil, offset: UInt64(offset), size: UInt64(count))
            var source = unsafe heng_range(
                buffer: nil, host: place.baseAddress, offset: 0, size: UInt64(count))
            try unsafe call {
                unsafe functions.stream_copy(stream, &target, &source, UInt64(count), 0, $0)
            }
            unsafe try synchronize()
        }
    }

    /// Takes bytes out of a buffer, and waits.
    func read(_ buffer: OpaquePointer, offset: Int = 0, count: Int) throws -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: count)
        guard count > 0 else { return bytes }
        try unsafe bytes.withUnsafeMutableBytes { place in
            var source = unsafe heng_range(
                buffer: buffer, host: nil, offset: UInt64(offset), size: UInt64(count))
            var target = unsafe heng_range(
                buffer: nil, host: place.baseAddress, offset: 0, size: UInt64(count))
            try unsafe call {
                unsafe functions.stream_copy(stream, &target, &source, UInt64(count), 0, $0)
            }
            unsafe try synchronize()
        }
        return bytes
    }

    /// The table of a group.
    func group<Table>(_ kind: Int, _ type: Table.Type) throws -> UnsafePointer<Table> {
        var header: UnsafePointer<heng_header>?
        try unsafe call { unsafe functions.group(UInt32(kind), &header, $0) }
        return try unsafe UnsafeRawPointer(#require(unsafe header)).assumingMemoryBound(to: type)
    }
}
