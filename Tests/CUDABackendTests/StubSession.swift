import AcceleratorAPI
import CHengAccelerator
import CUDABackend
import Essentials
import Foundation
import Testing

/// All tests of the backend, one after the other: it exists once in a process, as the stub driver does.
@Suite(
    "CUDA backend", .serialized,
    .enabled(if: StubDriver.shared.isHere, "it needs a C++ compiler for the stub driver"))
struct CUDABackendTests {}

/// An error of the table, as a C program sees it.
struct TableError: Error, Hashable {
    var code: Int
    var scope: Int
    var native: Int
    var correlation: UInt64
    var text: String
    var requested: UInt64
}

/// The backend over the stub driver, from initialize to finalize, through the C table.
@safe final class StubSession {
    let stub = StubDriver.shared
    let table: heng_accelerator_table
    let device: OpaquePointer

    /// Starts the backend; `settings` are properties of the stub's machine.
    init(
        without missing: [String] = [], settings: [String: Int] = [:], cache: String? = nil
    ) throws {
        stub.reset()
        for (name, value) in settings { stub.set(name, value) }
        unsafe table = unsafe try #require(CUDADevices.backend.getter(HENG_ACCELERATOR_MAJOR)?.pointee)
        let status = try unsafe StubSession.initialize(
            table, libraries: stub.libraries(without: missing), cache: cache ?? stub.folder + "/cache")
        try #require(status == 0)
        var device: OpaquePointer?
        _ = unsafe table.device_get(0, &device, nil)
        unsafe self.device = unsafe try #require(device)
    }

    /// The registry starts each backend once for the process, whoever lists devices first: that is over before a test
    /// starts this one for itself.
    private static let registryHasAsked: Void = {
        _ = try? DeviceRegistry.shared.devices(of: CUDADevices.backend)
        // A machine without the driver has no devices, so nothing lives that would keep it from ending.
        _ = unsafe CUDADevices.backend.getter(HENG_ACCELERATOR_MAJOR)?.pointee.finalize(nil)
    }()

    static func initialize(_ table: heng_accelerator_table, libraries: String, cache: String) throws -> Int32
    {
        registryHasAsked
        let path = StubDriver.shared.folder + "/configuration"
        try "libraries = \(libraries)\ncache = \(cache)\n".write(
            toFile: path, atomically: true, encoding: .utf8)
        var arguments = unsafe heng_initialize_arguments()
        unsafe arguments.header = unsafe StructCrossing.header(
            HENG_KIND_INITIALIZE_ARGUMENTS, of: heng_initialize_arguments.self)
        unsafe arguments.abi_major = HENG_ACCELERATOR_MAJOR
        return unsafe path.withCString { path in
            unsafe arguments.configuration_path = unsafe path
            return unsafe table.initialize(&arguments, nil)
        }
    }

    /// Ends the backend, and checks that nothing is left and nothing was done wrong.
    func end() {
        #expect(unsafe table.finalize(nil) == 0)
        #expect(stub.violations == [])
        #expect(stub.living == [])
        #expect(stub.livingProducts == 0)
    }

    /// Calls, and throws the error object of a call that failed.
    func call(_ body: (heng_accelerator_table, ErrorPlace) -> Int32) throws {
        var error: OpaquePointer?
        let code = unsafe body(table, &error)
        guard code != 0 else { return }
        throw unsafe describe(error, code)
    }

    func describe(_ error: OpaquePointer?, _ code: Int32) -> TableError {
        var description = unsafe heng_error_description()
        unsafe description.header = unsafe StructCrossing.header(
            HENG_KIND_ERROR_DESCRIPTION, of: heng_error_description.self)
        guard let error = unsafe error, unsafe table.error_describe(error, &description) == 0 else {
            return TableError(code: Int(code), scope: 0, native: 0, correlation: 0, text: "", requested: 0)
        }
        defer { unsafe table.error_destroy(error) }
        return unsafe TableError(
            code: Int(description.code), scope: Int(description.scope), native: Int(description.native_code),
            correlation: description.correlation, text: String(cString: description.text),
            requested: description.requested)
    }

    /// The code of a call that must fail; 0 where it does not.
    func failure(_ body: () throws -> Void) -> TableError? {
        do {
            try body()
            return nil
        } catch { return error as? TableError }
    }

    private func made(_ body: (heng_accelerator_table, inout OpaquePointer?, ErrorPlace) -> Int32) throws
        -> OpaquePointer
    {
        var made: OpaquePointer?
        try unsafe call { unsafe body($0, &made, $1) }
        return unsafe try #require(made)
    }

    // MARK: Objects

    func context() throws -> OpaquePointer { unsafe try made { unsafe $0.context_create(device, &$1, $2) } }
    func destroy(context: OpaquePointer) throws { try unsafe call { unsafe $0.context_destroy(context, $1) } }

    func stream(_ context: OpaquePointer, priority: Int32 = 0) throws -> OpaquePointer {
        var arguments = unsafe heng_stream_arguments()
        unsafe arguments.header = unsafe StructCrossing.header(
            HENG_KIND_STREAM_ARGUMENTS, of: heng_stream_arguments.self)
        unsafe arguments.priority = priority
        return unsafe try made { unsafe $0.stream_create(context, &arguments, &$1, $2) }
    }
    func destroy(stream: OpaquePointer) throws { try unsafe call { unsafe $0.stream_destroy(stream, $1) } }
    func wait(_ stream: OpaquePointer, _ milliseconds: Int32 = -1) throws {
        try unsafe call { unsafe $0.stream_synchronize(stream, milliseconds, $1) }
    }

    func event(_ context: OpaquePointer) throws -> OpaquePointer {
        unsafe try made { unsafe $0.event_create(context, &$1, $2) }
    }
    func destroy(event: OpaquePointer) throws { try unsafe call { unsafe $0.event_destroy(event, $1) } }

    func arguments(_ size: Int) -> heng_buffer_arguments {
        var arguments = unsafe heng_buffer_arguments()
        unsafe arguments.header = unsafe StructCrossing.header(
            HENG_KIND_BUFFER_ARGUMENTS, of: heng_buffer_arguments.self)
        unsafe arguments.size = UInt64(size)
        unsafe arguments.numa_node = -1
        return unsafe arguments
    }
    func buffer(_ context: OpaquePointer, _ size: Int) throws -> OpaquePointer {
        var arguments = unsafe arguments(size)
        return unsafe try made { unsafe $0.buffer_allocate(context, &arguments, &$1, $2) }
    }
    func free(_ buffer: OpaquePointer) throws { try unsafe call { unsafe $0.buffer_free(buffer, $1) } }

    func memory(_ context: OpaquePointer) throws -> heng_memory_info {
        var info = unsafe heng_memory_info()
        unsafe info.header = unsafe StructCrossing.header(HENG_KIND_MEMORY_INFO, of: heng_memory_info.self)
        try unsafe call { unsafe $0.context_memory_info(context, &info, $1) }
        return unsafe info
    }

    func status() throws -> heng_device_status {
        var status = unsafe heng_device_status()
        unsafe status.header = unsafe StructCrossing.header(
            HENG_KIND_DEVICE_STATUS, of: heng_device_status.self)
        try unsafe call { unsafe $0.device_status(device, &status, $1) }
        return unsafe status
    }

    func group<Table>(_ kind: Int, as type: Table.Type) throws -> Table {
        var header: UnsafePointer<heng_header>?
        try unsafe call { unsafe $0.group(UInt32(kind), &header, $1) }
        let place = unsafe try #require(header)
        return unsafe UnsafeRawPointer(place).load(as: Table.self)
    }

    // MARK: Work

    func range(_ buffer: OpaquePointer, _ size: Int, from offset: Int = 0) -> heng_range {
        unsafe heng_range(buffer: buffer, host: nil, offset: UInt64(offset), size: UInt64(size))
    }

    func write(_ bytes: [UInt8], to buffer: OpaquePointer, _ stream: OpaquePointer, correlation: UInt64 = 0)
        throws
    {
        var bytes = bytes
        let count = bytes.count
        try unsafe bytes.withUnsafeMutableBytes { raw in
            var source = unsafe heng_range(buffer: nil, host: raw.baseAddress, offset: 0, size: UInt64(count))
            var target = unsafe range(buffer, count)
            try unsafe call {
                unsafe $0.stream_copy(stream, &target, &source, UInt64(count), correlation, $1)
            }
            unsafe try wait(stream)
        }
    }

    func read(_ count: Int, from buffer: OpaquePointer, _ stream: OpaquePointer) throws -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: count)
        try unsafe bytes.withUnsafeMutableBytes { raw in
            var target = unsafe heng_range(buffer: nil, host: raw.baseAddress, offset: 0, size: UInt64(count))
            var source = unsafe range(buffer, count)
            try unsafe call { unsafe $0.stream_copy(stream, &target, &source, UInt64(count), 0, $1) }
            unsafe try wait(stream)
        }
        return bytes
    }

    func fill(
        _ buffer: OpaquePointer, _ value: UInt8, _ count: Int, _ stream: OpaquePointer,
        correlation: UInt64 = 0
    )
        throws
    {
        var target = unsafe range(buffer, count)
        try unsafe call { unsafe $0.stream_fill(stream, &target, value, UInt64(count), correlation, $1) }
    }

    func launch(
        _ stream: OpaquePointer, _ function: @escaping heng_fallible_host_function,
        _ argument: UnsafeMutableRawPointer?
    ) throws {
        var argument = unsafe argument
        try unsafe call { unsafe $0.stream_launch_fallible(stream, function, &argument, 8, 9, $1) }
    }
}

/// A context with a stream, ended in the right order.
func withContext(
    without missing: [String] = [], settings: [String: Int] = [:],
    _ body: (StubSession, _ context: OpaquePointer, _ stream: OpaquePointer) throws -> Void
) throws {
    let session = try StubSession(without: missing, settings: settings)
    let context = unsafe try session.context()
    let stream = unsafe try session.stream(context)
    try unsafe body(session, context, stream)
    unsafe try? session.destroy(stream: stream)
    try unsafe session.destroy(context: context)
    session.end()
}
