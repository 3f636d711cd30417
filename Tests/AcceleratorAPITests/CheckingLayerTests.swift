import AcceleratorAPI
import CHengAccelerator
import Essentials
import Testing

@Suite("Checking layer")
struct CheckingLayerTests {
    let table: RawTable

    init() throws { table = RawTable(try CheckingLayer.wrap(nullDevice())) }

    @Test func `a null, an invented and a destroyed handle are told apart`() throws {
        let context = unsafe try #require(table.makeContext().made)
        let stream = unsafe table.makeStream(context).made

        let null = unsafe table.makeStream(nil)
        let invented = unsafe table.makeStream(OpaquePointer(bitPattern: 0x10))
        let otherKind = unsafe table.makeStream(stream)
        #expect(unsafe table.functions.stream_destroy(stream, nil) == 0)
        let twice = unsafe table.call { _, error in unsafe table.functions.stream_destroy(stream, error) }
        let after = unsafe table.call { _, error in
            unsafe table.functions.stream_synchronize(stream, -1, error)
        }

        for outcome in [null, invented, otherKind, twice, after] {
            #expect(outcome.code == codeOf(HENG_ERROR_INVALID_HANDLE))
        }
        #expect(null.text.contains("is null"))
        #expect(invented.text.contains("was never made"))
        #expect(otherKind.text.contains("is one for a stream"))
        #expect(twice.text.contains("was destroyed already"))
        #expect(after.text.contains("stream_synchronize"))
        #expect(unsafe table.functions.context_destroy(context, nil) == 0)
    }

    @Test func `a destroyed handle stays invalid though the maker reuses its address`() throws {
        let context = unsafe table.makeContext().made
        let stale = unsafe table.makeEvent(context).made
        #expect(unsafe table.functions.event_destroy(stale, nil) == 0)

        for _ in 0..<100 {
            let fresh = unsafe table.makeEvent(context).made
            #expect(unsafe fresh != stale)
            #expect(unsafe table.functions.event_destroy(stale, nil) == codeOf(HENG_ERROR_INVALID_HANDLE))
            #expect(unsafe table.functions.event_destroy(fresh, nil) == 0)
        }
    }

    @Test func `destroying a context that owns something names what leaks`() throws {
        let context = unsafe table.makeContext().made
        let stream = unsafe table.makeStream(context).made
        let buffers = unsafe (table.makeBuffer(context, 1024).made, table.makeBuffer(context, 1024).made)

        let refused = unsafe table.call { _, error in unsafe table.functions.context_destroy(context, error) }

        #expect(refused.code == codeOf(HENG_ERROR_NOT_RELEASED))
        #expect(refused.text.contains("2 buffers, 1 stream (2 KiB)"))
        #expect(unsafe table.functions.buffer_free(buffers.0, nil) == 0)
        #expect(unsafe table.functions.buffer_free(buffers.1, nil) == 0)
        #expect(unsafe table.functions.stream_destroy(stream, nil) == 0)
        #expect(unsafe table.functions.context_destroy(context, nil) == 0)
    }

    @Test func `a copy is refused beyond a buffer, beyond its capacity, and onto itself`() throws {
        let context = unsafe table.makeContext().made
        let stream = unsafe table.makeStream(context).made
        let buffer = unsafe table.makeBuffer(context, 100).made
        func range(_ offset: UInt64, _ size: UInt64) -> heng_range {
            unsafe heng_range(buffer: buffer, host: nil, offset: offset, size: size)
        }
        var byte: UInt8 = 0
        let both = unsafe withUnsafeMutablePointer(to: &byte) { byte in
            unsafe heng_range(buffer: buffer, host: byte, offset: 0, size: 1)
        }
        let outside = codeOf(HENG_ERROR_OUT_OF_RANGE)
        let wrong = codeOf(HENG_ERROR_INVALID_ARGUMENT)

        #expect(unsafe table.copy(stream, to: range(50, 51), from: range(0, 50), 50).code == outside)
        #expect(unsafe table.copy(stream, to: range(.max, 2), from: range(0, 50), 1).code == outside)
        #expect(unsafe table.copy(stream, to: range(50, 50), from: range(0, 40), 41).code == outside)
        #expect(unsafe table.copy(stream, to: range(10, 50), from: range(0, 50), 50).code == wrong)
        #expect(unsafe table.copy(stream, to: both, from: range(0, 50), 1).code == wrong)
        #expect(unsafe table.copy(stream, to: heng_range(), from: range(0, 50), 0).code == wrong)
        #expect(unsafe table.copy(stream, to: range(50, 50), from: range(0, 50), 50).code == 0)
    }

    @Test func `a buffer may not be freed before the caller knows that its copy is done`() throws {
        let context = unsafe table.makeContext().made
        let stream = unsafe table.makeStream(context).made
        let event = unsafe table.makeEvent(context).made
        let (first, second) = unsafe (table.makeBuffer(context, 64).made, table.makeBuffer(context, 64).made)
        func fill(_ buffer: OpaquePointer?) -> Int32 {
            var range = unsafe heng_range(buffer: buffer, host: nil, offset: 0, size: 64)
            return unsafe table.functions.stream_fill(stream, &range, 1, 64, 0, nil)
        }

        #expect(unsafe fill(first) == 0)
        #expect(unsafe table.functions.event_record(event, stream, 0, nil) == 0)
        #expect(unsafe fill(second) == 0)
        #expect(unsafe table.functions.buffer_free(first, nil) == codeOf(HENG_ERROR_MISUSE))
        #expect(unsafe table.functions.event_synchronize(event, -1, nil) == 0)
        #expect(unsafe table.functions.buffer_free(first, nil) == 0)
        #expect(unsafe table.functions.buffer_free(second, nil) == codeOf(HENG_ERROR_MISUSE))
        #expect(unsafe table.functions.stream_synchronize(stream, -1, nil) == 0)
        #expect(unsafe table.functions.buffer_free(second, nil) == 0)
    }

    @Test func `who waits for a stream has waited for what that stream waited for`() throws {
        let context = unsafe table.makeContext().made
        let (first, second) = unsafe (table.makeStream(context).made, table.makeStream(context).made)
        let event = unsafe table.makeEvent(context).made
        func filled(_ stream: OpaquePointer?) -> OpaquePointer? {
            let buffer = unsafe table.makeBuffer(context, 64).made
            var range = unsafe heng_range(buffer: buffer, host: nil, offset: 0, size: 64)
            #expect(unsafe table.functions.stream_fill(stream, &range, 1, 64, 0, nil) == 0)
            return unsafe buffer
        }
        func free(_ buffer: OpaquePointer?) -> Int32 { unsafe table.functions.buffer_free(buffer, nil) }
        let misuse = codeOf(HENG_ERROR_MISUSE)

        let before = unsafe filled(first)
        #expect(unsafe table.functions.event_record(event, first, 0, nil) == 0)
        let after = unsafe filled(first)
        #expect(unsafe table.functions.stream_wait_event(second, event, 0, nil) == 0)
        #expect(unsafe free(before) == misuse)
        #expect(unsafe table.functions.stream_synchronize(second, -1, nil) == 0)
        #expect(unsafe free(before) == 0)
        #expect(unsafe free(after) == misuse)
        #expect(unsafe table.functions.device_synchronize(table.device, nil) == 0)
        #expect(unsafe free(after) == 0)
        let last = unsafe filled(second)
        #expect(unsafe free(last) == misuse)
        #expect(unsafe table.functions.stream_destroy(second, nil) == 0)
        #expect(unsafe free(last) == 0)
    }

    @Test func `objects of different devices do not mix`() throws {
        let other = RawTable(try CheckingLayer.wrap(nullDevice()))
        let (here, there) = unsafe (table.makeContext().made, other.makeContext().made)
        let stream = unsafe table.makeStream(here).made
        let event = unsafe other.makeEvent(there).made

        #expect(unsafe table.functions.event_record(event, stream, 0, nil) == codeOf(HENG_ERROR_WRONG_OWNER))
    }

    @Test func `arguments are checked before the maker sees them`() throws {
        let context = unsafe table.makeContext().made
        let stream = unsafe table.makeStream(context).made
        let event = unsafe table.makeEvent(context).made
        let wrong = codeOf(HENG_ERROR_INVALID_ARGUMENT)
        var bytes = [UInt8](repeating: 0, count: 300)
        var unsized = unsafe heng_memory_info()
        var otherKind = unsafe heng_memory_info()
        unsafe otherKind.header = unsafe StructCrossing.header(
            HENG_KIND_BUFFER_ARGUMENTS, of: heng_memory_info.self)

        #expect(unsafe table.functions.stream_synchronize(stream, -2, nil) == wrong)
        #expect(unsafe table.functions.stream_launch(stream, nil, nil, 0, 0, nil) == wrong)
        #expect(unsafe table.functions.stream_launch(stream, { _ in }, &bytes, 257, 0, nil) == wrong)
        #expect(unsafe table.functions.stream_launch(stream, { _ in }, nil, 8, 0, nil) == wrong)
        #expect(unsafe table.functions.stream_launch(stream, { _ in }, &bytes, 256, 0, nil) == 0)
        #expect(unsafe table.makeBuffer(context, 0).code == wrong)
        #expect(unsafe table.functions.event_create(context, nil, nil) == wrong)
        #expect(
            unsafe table.functions.context_memory_info(context, &unsized, nil) == codeOf(HENG_ERROR_VERSION))
        #expect(unsafe table.functions.context_memory_info(context, &otherKind, nil) == wrong)
        let unrecorded = codeOf(HENG_ERROR_EVENT_NOT_RECORDED)
        #expect(unsafe table.functions.event_synchronize(event, -1, nil) == unrecorded)
        #expect(unsafe table.functions.stream_wait_event(stream, event, 0, nil) == unrecorded)
    }
}
