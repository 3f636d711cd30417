import AcceleratorAPI
import CHengAccelerator
import CUDABackend
import Essentials
import Foundation
import Synchronization
import Testing

/// A door in a stream: its work stops there until the test opens it.
@safe final class Gate: Sendable {
    private let isOpen = Atomic<Bool>(false)
    let hasArrived = Atomic<Bool>(false)
    let result = Atomic<Int32>(0)

    var pointer: UnsafeMutableRawPointer { unsafe Unmanaged.passUnretained(self).toOpaque() }
    func open() { isOpen.store(true, ordering: .releasing) }

    static let function: heng_fallible_host_function = { arguments in
        guard let place = unsafe arguments?.load(as: UnsafeRawPointer?.self) else { return 99 }
        let gate = unsafe Unmanaged<Gate>.fromOpaque(place).takeUnretainedValue()
        gate.hasArrived.store(true, ordering: .releasing)
        while !gate.isOpen.load(ordering: .acquiring) { usleep(100) }
        return gate.result.load(ordering: .relaxed)
    }
}

extension CUDABackendTests {
    @Suite struct Work {
        @Test func `bytes go to the device and back, also in pieces of any size`() throws {
            unsafe try withContext { session, context, stream in
                let bytes = (0..<1000).map { UInt8(truncatingIfNeeded: $0 * 7) }
                let first = unsafe try session.buffer(context, 1000)
                let second = unsafe try session.buffer(context, 1000)
                try unsafe session.write(bytes, to: first, stream)
                var (from, to) = unsafe (session.range(first, 900, from: 100), session.range(second, 900))
                try unsafe session.call { unsafe $0.stream_copy(stream, &to, &from, 900, 0, $1) }
                #expect(try unsafe session.read(900, from: second, stream) == Array(bytes.dropFirst(100)))
                #expect(session.stub.calls.contains("cuMemcpyHtoDAsync_v2 1000 ordinary"))
                try unsafe session.free(first)
                try unsafe session.free(second)
            }
        }

        @Test func `a copy from ordinary memory does not wait for work before it`() throws {
            unsafe try withContext { session, context, stream in
                let size = 9 << 20
                let buffer = unsafe try session.buffer(context, size)
                let gate = Gate()
                try unsafe session.launch(stream, Gate.function, gate.pointer)
                var bytes = (0..<size).map { UInt8(truncatingIfNeeded: $0 / 1000) }
                var back = [UInt8](repeating: 0, count: size)
                try unsafe bytes.withUnsafeMutableBytes { source in
                    try unsafe back.withUnsafeMutableBytes { target in
                        var on = unsafe session.range(buffer, size)
                        var from = unsafe heng_range(
                            buffer: nil, host: source.baseAddress, offset: 0, size: UInt64(size))
                        var to = unsafe heng_range(
                            buffer: nil, host: target.baseAddress, offset: 0, size: UInt64(size))
                        // Both would wait here for ever if they were the driver's own copies.
                        try unsafe session.call {
                            unsafe $0.stream_copy(stream, &on, &from, UInt64(size), 0, $1)
                        }
                        try unsafe session.call {
                            unsafe $0.stream_copy(stream, &to, &on, UInt64(size), 0, $1)
                        }
                        #expect(
                            session.failure { try unsafe session.wait(stream, 5) }?.code == HENG_ERROR_TIMEOUT
                        )
                        gate.open()
                        try unsafe session.wait(stream)
                    }
                }
                #expect(back == bytes)
                #expect(session.stub.calls.contains("cuMemcpyHtoDAsync_v2 4194304 pinned"))
                #expect(!session.stub.calls.contains { $0.hasSuffix("ordinary") })
                try unsafe session.free(buffer)
            }
        }

        @Test func `pinned memory is copied by the device itself`() throws {
            unsafe try withContext { session, context, stream in
                let buffer = unsafe try session.buffer(context, 64)
                var arguments = unsafe session.arguments(64)
                var place: UnsafeMutableRawPointer?
                try unsafe session.call { unsafe $0.host_allocate(context, &arguments, &place, $1) }
                let host = unsafe try #require(place)
                unsafe host.initializeMemory(as: UInt8.self, repeating: 5, count: 64)
                var from = unsafe heng_range(buffer: nil, host: host, offset: 0, size: 64)
                var to = unsafe session.range(buffer, 64)
                try unsafe session.call { unsafe $0.stream_copy(stream, &to, &from, 64, 0, $1) }
                #expect(session.stub.calls.contains("cuMemcpyHtoDAsync_v2 64 pinned"))
                #expect(try unsafe session.read(64, from: buffer, stream) == [UInt8](repeating: 5, count: 64))
                try unsafe session.call { unsafe $0.host_free(context, host, $1) }
                let again = session.failure {
                    try unsafe session.call { unsafe $0.host_free(context, host, $1) }
                }
                #expect(again?.code == HENG_ERROR_INVALID_HANDLE)
                try unsafe session.free(buffer)
            }
        }

        @Test(arguments: [(12, 36, 8, 24), (12, 40, 8, 30)])
        func `blocks keep their pitches`(_ pitches: (Int, Int, Int, Int)) throws {
            unsafe try withContext { session, context, stream in
                let (row, plane, otherRow, otherPlane) = pitches
                let first = unsafe try session.buffer(context, 256)
                let second = unsafe try session.buffer(context, 256)
                let bytes = (0..<256).map { UInt8($0) }
                try unsafe session.write(bytes, to: first, stream)
                try unsafe session.fill(second, 0, 256, stream)
                var from = unsafe heng_block(
                    range: session.range(first, 256), row_pitch: UInt64(row), plane_pitch: UInt64(plane))
                var to = unsafe heng_block(
                    range: session.range(second, 256), row_pitch: UInt64(otherRow),
                    plane_pitch: UInt64(otherPlane))
                try unsafe session.call { unsafe $0.stream_copy_block(stream, &to, &from, 7, 3, 2, 0, $1) }
                var expected = [UInt8](repeating: 0, count: 256)
                for z in 0..<2 {
                    for y in 0..<3 {
                        for x in 0..<7 {
                            expected[z * otherPlane + y * otherRow + x] = bytes[z * plane + y * row + x]
                        }
                    }
                }
                #expect(try unsafe session.read(256, from: second, stream) == expected)
                // Where planes are no whole number of rows, they are copied one by one.
                let copies = session.stub.calls.filter { $0.hasPrefix("cuMemcpy3D") }
                #expect(copies.count == (plane % row == 0 ? 1 : 2))
                try unsafe session.free(first)
                try unsafe session.free(second)
            }
        }

        @Test func `blocks of ordinary memory do not wait either`() throws {
            unsafe try withContext { session, context, stream in
                let buffer = unsafe try session.buffer(context, 64)
                let gate = Gate()
                try unsafe session.launch(stream, Gate.function, gate.pointer)
                var bytes = (0..<64).map { UInt8($0) }
                try unsafe bytes.withUnsafeMutableBytes { source in
                    let range = unsafe heng_range(buffer: nil, host: source.baseAddress, offset: 0, size: 64)
                    var from = unsafe heng_block(range: range, row_pitch: 16, plane_pitch: 32)
                    var to = unsafe heng_block(
                        range: session.range(buffer, 64), row_pitch: 8, plane_pitch: 24)
                    try unsafe session.call {
                        unsafe $0.stream_copy_block(stream, &to, &from, 4, 2, 2, 0, $1)
                    }
                    gate.open()
                    try unsafe session.wait(stream)
                }
                let back = try unsafe session.read(36, from: buffer, stream)
                #expect(Array(back[0..<4]) == [0, 1, 2, 3] && Array(back[8..<12]) == [16, 17, 18, 19])
                #expect(
                    Array(back[24..<28]) == [32, 33, 34, 35] && Array(back[32..<36]) == [48, 49, 50, 51])
                try unsafe session.free(buffer)
            }
        }

        @Test func `capacities are kept`() throws {
            unsafe try withContext { session, context, stream in
                let buffer = unsafe try session.buffer(context, 100)
                var range = unsafe session.range(buffer, 50)
                let beyond = session.failure {
                    try unsafe session.call { unsafe $0.stream_fill(stream, &range, 0, 51, 0, $1) }
                }
                #expect(beyond?.code == HENG_ERROR_OUT_OF_RANGE)
                unsafe range.offset = 60
                let leaving = session.failure {
                    try unsafe session.call { unsafe $0.stream_fill(stream, &range, 0, 10, 0, $1) }
                }
                #expect(leaving?.code == HENG_ERROR_OUT_OF_RANGE)
                try unsafe session.free(buffer)
            }
        }

        @Test func `host functions run in order, may call the table, and end a stream by failing`() throws {
            unsafe try withContext { session, context, stream in
                let buffer = unsafe try session.buffer(context, 4)
                let (first, second) = (Gate(), Gate())
                first.result.store(17, ordering: .relaxed)
                second.open()
                try unsafe session.launch(stream, Gate.function, first.pointer)
                try unsafe session.launch(stream, Gate.function, second.pointer)
                let event = unsafe try session.event(context)
                try unsafe session.call { unsafe $0.event_record(event, stream, 0, $1) }
                first.open()
                let error = session.failure { try unsafe session.wait(stream) }
                #expect(error?.code == HENG_ERROR_EXECUTION)
                #expect(error?.scope == HENG_SCOPE_STREAM)
                #expect(error?.native == 17)
                #expect(error?.correlation == 9)
                let hasRun = second.hasArrived.load(ordering: .acquiring)
                #expect(!hasRun)
                // Later work, the event and who waits for it carry the failure.
                #expect(
                    session.failure { try unsafe session.fill(buffer, 0, 4, stream) }?.code
                        == HENG_ERROR_EXECUTION)
                let waiting = session.failure {
                    try unsafe session.call { unsafe $0.event_synchronize(event, -1, $1) }
                }
                #expect(waiting?.code == HENG_ERROR_EXECUTION)
                let other = unsafe try session.stream(context)
                try unsafe session.call { unsafe $0.stream_wait_event(other, event, 0, $1) }
                #expect(session.failure { try unsafe session.wait(other) }?.code == HENG_ERROR_EXECUTION)
                let ended = session.failure { try unsafe session.destroy(stream: other) }
                #expect(ended?.code == HENG_ERROR_EXECUTION)
                try unsafe session.destroy(event: event)
                try unsafe session.free(buffer)
            }
        }

        @Test func `events tell order and time`() throws {
            unsafe try withContext { session, context, stream in
                let (start, end) = unsafe (try session.event(context), try session.event(context))
                var complete: UInt8 = 9
                let early = session.failure {
                    try unsafe session.call { unsafe $0.event_query(start, &complete, $1) }
                }
                #expect(early?.code == HENG_ERROR_EVENT_NOT_RECORDED)
                let gate = Gate()
                try unsafe session.call { unsafe $0.event_record(start, stream, 0, $1) }
                try unsafe session.launch(stream, Gate.function, gate.pointer)
                try unsafe session.call { unsafe $0.event_record(end, stream, 0, $1) }
                let other = unsafe try session.stream(context, priority: 3)
                #expect(session.stub.calls.contains("cuStreamCreateWithPriority 1 -3"))
                try unsafe session.call { unsafe $0.stream_wait_event(other, end, 0, $1) }
                try unsafe session.call { unsafe $0.event_query(end, &complete, $1) }
                #expect(complete == 0)
                try unsafe session.call { unsafe $0.event_query_waits(end, &complete, $1) }
                #expect(complete == 0)
                var time = -1.0
                let unknown = session.failure {
                    try unsafe session.call { unsafe $0.event_elapsed(start, end, &time, $1) }
                }
                #expect(unknown?.code == HENG_ERROR_EVENT_TIME)
                #expect(session.failure { try unsafe session.wait(other, 0) }?.code == HENG_ERROR_TIMEOUT)
                gate.open()
                try unsafe session.wait(other)
                try unsafe session.call { unsafe $0.event_query_waits(end, &complete, $1) }
                #expect(complete == 1)
                try unsafe session.call { unsafe $0.event_elapsed(start, end, &time, $1) }
                #expect(time >= 0)
                try unsafe session.call { unsafe $0.event_reset(end, $1) }
                let gone = session.failure {
                    try unsafe session.call { unsafe $0.event_synchronize(end, 0, $1) }
                }
                #expect(gone?.code == HENG_ERROR_EVENT_NOT_RECORDED)
                try unsafe session.destroy(event: start)
                try unsafe session.destroy(event: end)
                try unsafe session.destroy(stream: other)
            }
        }
    }
}
