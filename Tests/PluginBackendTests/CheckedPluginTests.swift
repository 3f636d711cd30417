import AcceleratorAPI
import CHengAccelerator
import Essentials
import Foundation
import PluginBackend
import TestSupport
import Testing

#if canImport(Glibc)
import Glibc
#endif

/// A device's table as a C program calls it.
@safe private struct Raw {
    let table: heng_accelerator_table
    let device: OpaquePointer

    init(_ device: Device) {
        unsafe table = unsafe device.table.functions.pointee
        unsafe self.device = unsafe device.handle
    }

    func context() throws -> OpaquePointer {
        var made: OpaquePointer?
        #expect(unsafe table.context_create(device, &made, nil) == 0)
        return unsafe try #require(made)
    }

    func stream(_ context: OpaquePointer) throws -> OpaquePointer {
        var made: OpaquePointer?
        #expect(unsafe table.stream_create(context, nil, &made, nil) == 0)
        return unsafe try #require(made)
    }

    func buffer(_ context: OpaquePointer, _ size: UInt64) throws -> OpaquePointer {
        var arguments = unsafe heng_buffer_arguments()
        unsafe arguments.header = unsafe StructCrossing.header(
            HENG_KIND_BUFFER_ARGUMENTS, of: heng_buffer_arguments.self)
        unsafe arguments.size = size
        unsafe arguments.numa_node = -1
        var made: OpaquePointer?
        #expect(unsafe table.buffer_allocate(context, &arguments, &made, nil) == 0)
        return unsafe try #require(made)
    }

    func fill(_ stream: OpaquePointer, _ buffer: OpaquePointer, offset: UInt64, size: UInt64, bytes: UInt64)
        -> Int32
    {
        var range = unsafe heng_range(buffer: buffer, host: nil, offset: offset, size: size)
        return unsafe table.stream_fill(stream, &range, 1, bytes, 0, nil)
    }
}

private func code(_ value: Int) -> Int32 { Int32(value) }

/// Wrong uses of plugins: the checking layer finds them before the plugin sees them.
@Suite("Wrong uses of plugins", .enabled(if: !PluginBuild.compilers.isEmpty, "no C compiler is installed"))
struct CheckedPluginTests {
    private func checked(_ path: String) throws -> Raw {
        Raw(try CheckingLayer.wrap(#require(try devices(of: Plugin.load(path)).first)))
    }

    @Test func `objects that are destroyed twice, or used afterwards, are invalid handles`() throws {
        let raw = try checked(PluginBuild.sampleDevice())
        let context = unsafe try raw.context()
        let stream = unsafe try raw.stream(context)
        let buffer = unsafe try raw.buffer(context, 64)

        #expect(unsafe raw.table.context_destroy(context, nil) == code(HENG_ERROR_NOT_RELEASED))
        #expect(unsafe raw.table.buffer_free(buffer, nil) == 0)
        #expect(unsafe raw.table.buffer_free(buffer, nil) == code(HENG_ERROR_INVALID_HANDLE))
        #expect(
            unsafe raw.fill(stream, buffer, offset: 0, size: 64, bytes: 64) == code(HENG_ERROR_INVALID_HANDLE)
        )
        #expect(unsafe raw.table.stream_destroy(stream, nil) == 0)
        #expect(unsafe raw.table.stream_destroy(stream, nil) == code(HENG_ERROR_INVALID_HANDLE))
        #expect(unsafe raw.table.context_destroy(context, nil) == 0)
        #expect(unsafe raw.table.context_destroy(context, nil) == code(HENG_ERROR_INVALID_HANDLE))
    }

    @Test func `ranges that are too small, or leave their buffer, are out of range`() throws {
        let raw = try checked(PluginBuild.sampleDevice())
        let context = unsafe try raw.context()
        let stream = unsafe try raw.stream(context)
        let buffer = unsafe try raw.buffer(context, 100)
        let outOfRange = code(HENG_ERROR_OUT_OF_RANGE)

        #expect(unsafe raw.fill(stream, buffer, offset: 0, size: 100, bytes: 101) == outOfRange)
        #expect(unsafe raw.fill(stream, buffer, offset: 1, size: 100, bytes: 100) == outOfRange)
        #expect(unsafe raw.fill(stream, buffer, offset: .max, size: 2, bytes: 1) == outOfRange)
        #expect(unsafe raw.fill(stream, buffer, offset: 50, size: 50, bytes: 50) == 0)
        #expect(unsafe raw.table.stream_synchronize(stream, -1, nil) == 0)
        #expect(unsafe raw.table.buffer_free(buffer, nil) == 0)
        #expect(unsafe raw.table.stream_destroy(stream, nil) == 0)
        #expect(unsafe raw.table.context_destroy(context, nil) == 0)
    }

    @Test func `copies that start where the device cannot are a matter of alignment`() throws {
        let raw = try checked(PluginBuild.misbehaving("coarse_copies"))
        let context = unsafe try raw.context()
        let stream = unsafe try raw.stream(context)
        let buffer = unsafe try raw.buffer(context, 64)

        #expect(unsafe raw.fill(stream, buffer, offset: 8, size: 16, bytes: 16) == code(HENG_ERROR_ALIGNMENT))
        #expect(unsafe raw.fill(stream, buffer, offset: 16, size: 16, bytes: 16) == 0)
    }

    @Test func `objects of two vendors do not mix`() throws {
        let one = try checked(PluginBuild.sampleDevice())
        let other = try checked(PluginBuild.misbehaving("well_behaved"))
        let stream = unsafe try one.stream(one.context())
        let buffer = unsafe try other.buffer(other.context(), 64)

        #expect(
            unsafe one.fill(stream, buffer, offset: 0, size: 64, bytes: 64) == code(HENG_ERROR_WRONG_OWNER))
    }

    @Test func `a plugin says when it is used before its start, after its end, or started twice`() throws {
        // A copy of its own, whose state no other test shares.
        let manifest = try PluginBuild.sampleDevice()
        let library = URL(fileURLWithPath: manifest).deletingLastPathComponent().appending(
            path: "libheng-sample.so")
        let path = PluginBuild.folder + "/alone.so"
        try FileManager.default.copyItem(at: library, to: URL(fileURLWithPath: path))
        let table = unsafe try #require(try Plugin.load(path).backend.getter(1)).pointee
        var arguments = unsafe heng_initialize_arguments()
        unsafe arguments.header = unsafe StructCrossing.header(
            HENG_KIND_INITIALIZE_ARGUMENTS, of: heng_initialize_arguments.self)
        unsafe arguments.abi_major = 1
        var (count, device): (UInt32, OpaquePointer?) = (0, nil)

        #expect(unsafe table.finalize(nil) == code(HENG_ERROR_NOT_INITIALIZED))
        #expect(unsafe table.device_count(&count, nil) == code(HENG_ERROR_NOT_INITIALIZED))
        #expect(unsafe table.device_get(0, &device, nil) == code(HENG_ERROR_NOT_INITIALIZED))
        #expect(unsafe table.initialize(&arguments, nil) == 0)
        #expect(unsafe table.initialize(&arguments, nil) == code(HENG_ERROR_REPEATED_INITIALIZE))
        #expect(unsafe table.device_get(1, &device, nil) == code(HENG_ERROR_INVALID_DEVICE_INDEX))
        #expect(unsafe table.finalize(nil) == 0)
        #expect(unsafe table.finalize(nil) == code(HENG_ERROR_REPEATED_FINALIZE))
        #expect(unsafe table.device_count(&count, nil) == code(HENG_ERROR_NOT_INITIALIZED))
        #expect(unsafe table.initialize(&arguments, nil) == 0)
        #expect(unsafe table.finalize(nil) == 0)
    }

    @Test func `a plugin refuses an extension that it must understand and does not know`() throws {
        let device = try #require(try devices(of: Plugin.load(PluginBuild.sampleDevice())).first)
        let raw = Raw(device)
        let context = unsafe try raw.context()
        var extra = unsafe heng_header(
            struct_size: 16, struct_kind: HENG_KIND_MUST_UNDERSTAND | 12345, next: nil)
        var made: OpaquePointer?

        let status = unsafe withUnsafePointer(to: &extra) { extra in
            var arguments = unsafe heng_stream_arguments()
            unsafe arguments.header = unsafe StructCrossing.header(
                HENG_KIND_STREAM_ARGUMENTS, of: heng_stream_arguments.self)
            unsafe arguments.header.next = UnsafeRawPointer(extra)
            return unsafe raw.table.stream_create(context, &arguments, &made, nil)
        }

        #expect(status == code(HENG_ERROR_UNSUPPORTED))
        #expect(unsafe made == nil)
        #expect(unsafe raw.table.context_destroy(context, nil) == 0)
    }
}
