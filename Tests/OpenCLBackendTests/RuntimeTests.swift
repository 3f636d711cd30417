import AcceleratorAPI
import CHengAccelerator
import Essentials
import Foundation
import Synchronization
import TestSupport
import Testing

/// A gate that host functions wait at; it lies at an address that their arguments carry.
@safe final class Gate: @unchecked Sendable {
    private let isOpen = Atomic<Bool>(false)
    let count = Atomic<Int>(0)
    var address: UInt { unsafe UInt(bitPattern: Unmanaged.passUnretained(self).toOpaque()) }
    func open() { isOpen.store(true, ordering: .releasing) }
    func pass() {
        while !isOpen.load(ordering: .acquiring) { usleep(200) }
        count.wrappingAdd(1, ordering: .relaxed)
    }
    static func at(_ arguments: UnsafeRawPointer?) -> Gate? {
        guard let word = unsafe arguments?.load(as: UInt.self),
            let place = unsafe UnsafeRawPointer(bitPattern: word)
        else { return nil }
        return unsafe Unmanaged<Gate>.fromOpaque(place).takeUnretainedValue()
    }
}

extension Harness {
    func launch(_ gate: Gate, on stream: OpaquePointer? = nil, correlation: UInt64 = 0) throws {
        var word = gate.address
        try unsafe call {
            unsafe functions.stream_launch(
                stream ?? self.stream, { unsafe Gate.at($0)?.pass() }, &word, 8, correlation, $0)
        }
    }

    func fail(_ code: Int32, on stream: OpaquePointer? = nil, correlation: UInt64 = 0) throws {
        var code = code
        try unsafe call {
            unsafe functions.stream_launch_fallible(
                stream ?? self.stream, { unsafe $0?.load(as: Int32.self) ?? -1 }, &code, 4, correlation, $0)
        }
    }

    func fill(
        _ buffer: OpaquePointer, _ value: UInt8, _ count: Int, on stream: OpaquePointer? = nil,
        offset: Int = 0
    )
        throws
    {
        var range = unsafe heng_range(
            buffer: buffer, host: nil, offset: UInt64(offset), size: UInt64(count))
        try unsafe call {
            unsafe functions.stream_fill(stream ?? self.stream, &range, value, UInt64(count), 0, $0)
        }
    }

    func record(_ event: OpaquePointer, on stream: OpaquePointer? = nil) throws {
        try unsafe call { unsafe functions.event_record(event, stream ?? self.stream, 0, $0) }
    }

    func wait(for event: OpaquePointer, on stream: OpaquePointer? = nil) throws {
        try unsafe call { unsafe functions.stream_wait_event(stream ?? self.stream, event, 0, $0) }
    }

    func isComplete(_ event: OpaquePointer) throws -> Bool {
        var complete: UInt8 = 9
        try unsafe call { unsafe functions.event_query(event, &complete, $0) }
        return complete == 1
    }
}

@Suite(.enabled(if: TestDevice.isThere, TestDevice.reason)) struct RuntimeTests {
    @Test func `A device says what it is, and its bits are true`() throws {
        let device = try TestDevice.get()
        #expect(device.description.kind == "opencl")
        #expect(device.id.description == "opencl:0")
        #expect(!device.description.isHostAddressable)
        #expect(device.description.attributes["opencl.driver"] != nil)
        #expect(device.description.computeUnits >= 1)
        let harness = try Harness()
        let functions = unsafe harness.functions
        #expect(
            unsafe functions.stream_abort == nil && functions.device_reset == nil
                && functions.context_rebuild == nil)
        let missing: DeviceCapabilities = [
            .abort, .reset, .rebuild, .addressBuffers, .limitWorkTime, .orderStreams,
        ]
        #expect(device.description.capabilities.isDisjoint(with: missing))
        let buffer = unsafe try harness.makeBuffer(16)
        defer { unsafe harness.free(buffer) }
        var address: UnsafeMutableRawPointer?
        unsafe #expect(
            harness.code { unsafe functions.buffer_host_address(buffer, &address, $0) } == .unsupported)
        var status = unsafe heng_device_status()
        unsafe status.header.struct_size = UInt32(MemoryLayout<heng_device_status>.size)
        unsafe try harness.call { unsafe functions.device_status(device.handle, &status, $0) }
        #expect(unsafe status.contexts >= 1 && status.streams >= 1 && status.buffers >= 1)
        #expect(unsafe status.temperature_celsius.isNaN && status.memory_free == -1)
        for kind in [HENG_KIND_MODEL_TABLE, HENG_KIND_GRAPH_TABLE, HENG_KIND_MEDIA_TABLE] {
            var header: UnsafePointer<heng_header>?
            unsafe #expect(harness.code { unsafe functions.group(UInt32(kind), &header, $0) } == .unsupported)
        }
    }

    @Test(arguments: Array(0..<40) as [UInt64]) func `Copies of all kinds, sizes and offsets`(_ seed: UInt64)
        throws
    {
        var generator = SeededGenerator(seed: seed)
        let harness = try Harness()
        let size = 1 + generator.below(5000)
        let (from, to) = (generator.below(70), generator.below(70))
        let bytes = (0..<size).map { _ in UInt8.random(in: 0...255, using: &generator) }
        let (a, b) = unsafe (try harness.makeBuffer(size + 80), try harness.makeBuffer(size + 80))
        defer {
            unsafe harness.free(a)
            unsafe harness.free(b)
        }
        unsafe try harness.fill(b, 0x5A, size + 80)
        unsafe try harness.write(bytes, to: a, offset: from)
        var source = unsafe heng_range(buffer: a, host: nil, offset: UInt64(from), size: UInt64(size))
        var target = unsafe heng_range(buffer: b, host: nil, offset: UInt64(to), size: UInt64(size))
        unsafe try harness.call {
            unsafe harness.functions.stream_copy(harness.stream, &target, &source, UInt64(size), 0, $0)
        }
        let got = unsafe try harness.read(b, count: size + 80)
        #expect(Array(got[to..<to + size]) == bytes)
        #expect(got[..<to].allSatisfy { $0 == 0x5A } && got[(to + size)...].allSatisfy { $0 == 0x5A })
        let part = generator.below(size)
        unsafe try harness.fill(b, 7, size - part, offset: to + part)
        unsafe #expect(
            try harness.read(b, offset: to, count: size) == bytes[..<part]
                + [UInt8](repeating: 7, count: size - part))
        // Between two places of the host.
        var (left, right) = (bytes, [UInt8](repeating: 0, count: size))
        unsafe try left.withUnsafeMutableBytes { left in
            unsafe try right.withUnsafeMutableBytes { right in
                var source = unsafe heng_range(
                    buffer: nil, host: left.baseAddress, offset: 0, size: UInt64(size))
                var target = unsafe heng_range(
                    buffer: nil, host: right.baseAddress, offset: 0, size: UInt64(size))
                unsafe try harness.call {
                    unsafe harness.functions.stream_copy(
                        harness.stream, &target, &source, UInt64(size), 0, $0)
                }
                unsafe try harness.synchronize()
            }
        }
        #expect(right == bytes)
    }

    @Test(arguments: Array(0..<24) as [UInt64]) func `Blocks keep the distance of rows and planes`(
        _ seed: UInt64
    ) throws {
        var generator = SeededGenerator(seed: seed)
        let harness = try Harness()
        let (width, height, depth) = (1 + generator.below(20), 1 + generator.below(5), 1 + generator.below(4))
        struct Side {
            var offset: Int, row: Int, plane: Int, size: Int
            init(_ generator: inout SeededGenerator, _ width: Int, _ height: Int, _ depth: Int) {
                offset = generator.below(30)
                row = width + generator.below(9)
                plane = row * height + generator.below(20)
                size = plane * depth
            }
            func at(_ x: Int, _ y: Int, _ z: Int) -> Int { offset + z * plane + y * row + x }
        }
        let from = Side(&generator, width, height, depth)
        let to = Side(&generator, width, height, depth)
        let bytes = (0..<from.offset + from.size).map { _ in UInt8.random(in: 0...255, using: &generator) }
        let (a, b) = unsafe (try harness.makeBuffer(bytes.count), try harness.makeBuffer(to.offset + to.size))
        defer {
            unsafe harness.free(a)
            unsafe harness.free(b)
        }
        unsafe try harness.fill(b, 0, to.offset + to.size)
        unsafe try harness.write(bytes, to: a)
        var host = bytes
        var got = [UInt8](repeating: 0, count: to.offset + to.size)
        let form = generator.below(3)
        unsafe try host.withUnsafeMutableBytes { host in
            unsafe try got.withUnsafeMutableBytes { got in
                var source = unsafe heng_block(
                    range: heng_range(
                        buffer: form == 0 ? nil : a, host: form == 0 ? host.baseAddress : nil,
                        offset: UInt64(from.offset), size: UInt64(from.size)),
                    row_pitch: UInt64(from.row), plane_pitch: UInt64(from.plane))
                var target = unsafe heng_block(
                    range: heng_range(
                        buffer: form == 1 ? nil : b, host: form == 1 ? got.baseAddress : nil,
                        offset: UInt64(to.offset), size: UInt64(to.size)),
                    row_pitch: UInt64(to.row), plane_pitch: UInt64(to.plane))
                unsafe try harness.call {
                    unsafe harness.functions.stream_copy_block(
                        harness.stream, &target, &source, UInt64(width), UInt64(height), UInt64(depth), 0, $0)
                }
                unsafe try harness.synchronize()
            }
        }
        if form != 1 { got = unsafe try harness.read(b, count: got.count) }
        var expected = [UInt8](repeating: 0, count: got.count)
        for z in 0..<depth {
            for y in 0..<height { for x in 0..<width { expected[to.at(x, y, z)] = bytes[from.at(x, y, z)] } }
        }
        #expect(got == expected)
    }

    @Test func `Copies that leave their ranges, overlap or have no memory are refused`() throws {
        let harness = try Harness()
        let functions = unsafe harness.functions
        let buffer = unsafe try harness.makeBuffer(100)
        defer { unsafe harness.free(buffer) }
        func copy(_ target: heng_range, _ source: heng_range, _ bytes: UInt64) -> DeviceError.Code? {
            var (target, source) = unsafe (target, source)
            return unsafe harness.code {
                unsafe functions.stream_copy(harness.stream, &target, &source, bytes, 0, $0)
            }
        }
        func range(_ offset: UInt64, _ size: UInt64) -> heng_range {
            unsafe heng_range(buffer: buffer, host: nil, offset: offset, size: size)
        }
        #expect(unsafe copy(range(0, 10), range(50, 10), 11) == .outOfRange)
        #expect(unsafe copy(range(95, 10), range(0, 10), 10) == .outOfRange)
        #expect(unsafe copy(range(UInt64.max, 10), range(0, 10), 10) == .outOfRange)
        #expect(unsafe copy(range(0, 20), range(10, 20), 20) == .invalidArgument)
        #expect(
            unsafe copy(range(0, 20), heng_range(buffer: nil, host: nil, offset: 0, size: 20), 20)
                == .invalidArgument)
        #expect(unsafe copy(range(0, 20), range(50, 20), 0) == nil)
        let other = try Harness()
        let foreign = unsafe try other.makeBuffer(100)
        defer { unsafe other.free(foreign) }
        #expect(
            unsafe copy(heng_range(buffer: foreign, host: nil, offset: 0, size: 10), range(0, 10), 10)
                == nil)
    }

    @Test func `Host functions run in the order of the stream, with their own bytes`() throws {
        let harness = try Harness()
        let gate = Gate()
        let buffer = unsafe try harness.makeBuffer(64)
        defer { unsafe harness.free(buffer) }
        unsafe try harness.fill(buffer, 1, 64)
        unsafe try harness.launch(gate)
        unsafe try harness.fill(buffer, 2, 64)
        unsafe #expect(
            harness.code { unsafe harness.functions.stream_synchronize(harness.stream, 0, $0) } == .timeout)
        unsafe #expect(
            harness.code { unsafe harness.functions.stream_synchronize(harness.stream, 20, $0) } == .timeout)
        var idle: UInt8 = 9
        unsafe try harness.call { unsafe harness.functions.stream_query(harness.stream, &idle, $0) }
        #expect(idle == 0)
        // Another stream sees what came before the function, and nothing of what is behind it.
        let second = unsafe try harness.makeStream()
        var bytes = [UInt8](repeating: 0, count: 64)
        unsafe try bytes.withUnsafeMutableBytes { place in
            var source = unsafe heng_range(buffer: buffer, host: nil, offset: 0, size: 64)
            var target = unsafe heng_range(buffer: nil, host: place.baseAddress, offset: 0, size: 64)
            unsafe try harness.call {
                unsafe harness.functions.stream_copy(second, &target, &source, 64, 0, $0)
            }
            unsafe try harness.synchronize(second)
        }
        #expect(bytes.allSatisfy { $0 == 1 })
        gate.open()
        unsafe try harness.synchronize()
        #expect(gate.count.load(ordering: .relaxed) == 1)
        unsafe #expect(try harness.read(buffer, count: 64).allSatisfy { $0 == 2 })
        unsafe try harness.call { unsafe harness.functions.stream_query(harness.stream, &idle, $0) }
        #expect(idle == 1)
        unsafe try harness.call { unsafe harness.functions.stream_destroy(second, $0) }
    }

    @Test func `A failed host function ends its stream with its number, and events carry that on`() throws {
        let harness = try Harness()
        let functions = unsafe harness.functions
        let (stream, follower) = unsafe (try harness.makeStream(), try harness.makeStream())
        let (before, event) = unsafe (try harness.makeEvent(), try harness.makeEvent())
        let buffer = unsafe try harness.makeBuffer(16)
        unsafe try harness.fill(buffer, 3, 16, on: stream)
        unsafe try harness.record(before, on: stream)
        let gate = Gate()
        unsafe try harness.launch(gate, on: stream)
        unsafe try harness.fail(42, on: stream, correlation: 77)
        unsafe try harness.fill(buffer, 4, 16, on: stream)
        unsafe try harness.record(event, on: stream)
        unsafe try harness.wait(for: event, on: follower)
        gate.open()
        for _ in 0..<3 {
            do {
                unsafe try harness.synchronize(stream)
                Issue.record("the failed stream says it is well")
            } catch {
                let failure = try #require(error as? TableFailure)
                #expect(failure.code == .execution && failure.nativeCode == 42)
                #expect(failure.correlation == 77 && failure.scope == Int32(HENG_SCOPE_STREAM))
            }
        }
        unsafe #expect(harness.code { unsafe functions.event_synchronize(before, -1, $0) } == nil)
        unsafe #expect(harness.code { unsafe functions.event_synchronize(event, -1, $0) } == .execution)
        unsafe #expect(harness.code { unsafe functions.stream_synchronize(follower, -1, $0) } == .execution)
        var range = unsafe heng_range(buffer: buffer, host: nil, offset: 0, size: 16)
        unsafe #expect(
            harness.code { unsafe functions.stream_fill(stream, &range, 1, 16, 0, $0) } == .execution)
        // What came behind the failure did not run; other streams go on.
        unsafe #expect(try harness.read(buffer, count: 16).allSatisfy { $0 == 3 })
        unsafe #expect(harness.code { unsafe functions.stream_destroy(stream, $0) } == .execution)
        unsafe #expect(harness.code { unsafe functions.stream_destroy(follower, $0) } == .execution)
        unsafe try harness.destroy(events: [before, event])
        unsafe harness.free(buffer)
    }

    @Test func `Events order streams, tell time and are forgotten on request`() throws {
        let harness = try Harness()
        let functions = unsafe harness.functions
        let second = unsafe try harness.makeStream()
        let (start, end) = unsafe (try harness.makeEvent(), try harness.makeEvent())
        var complete: UInt8 = 0
        unsafe #expect(
            harness.code { unsafe functions.event_query(start, &complete, $0) } == .eventNotRecorded)
        unsafe #expect(harness.code { unsafe functions.event_synchronize(start, 0, $0) } == .eventNotRecorded)
        unsafe #expect(
            harness.code { unsafe functions.stream_wait_event(second, start, 0, $0) } == .eventNotRecorded)
        let buffer = unsafe try harness.makeBuffer(1 << 20)
        let gate = Gate()
        unsafe try harness.record(start)
        unsafe try harness.launch(gate)
        unsafe try harness.fill(buffer, 9, 1 << 20)
        unsafe try harness.record(end)
        unsafe try harness.wait(for: end, on: second)
        unsafe try harness.fill(buffer, 5, 1 << 19, on: second)
        unsafe #expect(try !harness.isComplete(end))
        var waits: UInt8 = 9
        unsafe try harness.call { unsafe functions.event_query_waits(end, &waits, $0) }
        #expect(waits == 0)
        unsafe #expect(harness.code { unsafe functions.event_synchronize(end, 5, $0) } == .timeout)
        var elapsed = 0.0
        unsafe #expect(
            harness.code { unsafe functions.event_elapsed(start, end, &elapsed, $0) } == .eventTime)
        unsafe #expect(harness.code { unsafe functions.event_reset(end, $0) } == .misuse)
        gate.open()
        unsafe try harness.synchronize(second)
        unsafe #expect(try harness.isComplete(end))
        unsafe try harness.call { unsafe functions.event_query_waits(end, &waits, $0) }
        #expect(waits == 1)
        let bytes = unsafe try harness.read(buffer, count: 1 << 20)
        #expect(bytes[..<(1 << 19)].allSatisfy { $0 == 5 } && bytes[(1 << 19)...].allSatisfy { $0 == 9 })
        unsafe try harness.call { unsafe functions.event_elapsed(start, end, &elapsed, $0) }
        #expect(elapsed > 0)
        var back = 0.0
        unsafe try harness.call { unsafe functions.event_elapsed(end, start, &back, $0) }
        #expect(back == -elapsed)
        unsafe try harness.call { unsafe functions.event_reset(end, $0) }
        unsafe #expect(harness.code { unsafe functions.event_query(end, &complete, $0) } == .eventNotRecorded)
        unsafe try harness.destroy(events: [start, end])
        unsafe harness.free(buffer)
        unsafe try harness.call { unsafe functions.stream_destroy(second, $0) }
    }

    @Test(arguments: Array(0..<12) as [UInt64])
    func `Streams that wait for each other at random end in one order`(
        _ seed: UInt64
    ) throws {
        var generator = SeededGenerator(seed: seed)
        let harness = try Harness()
        let streams = unsafe try (0..<3).map { _ in unsafe try harness.makeStream() }
        let buffer = unsafe try harness.makeBuffer(4096)
        let gate = Gate()
        gate.open()
        var events: [OpaquePointer] = unsafe []
        // A chain over random streams: each piece waits for the one before it.
        for step in 0..<30 {
            let stream = unsafe generator.pick(streams)
            if let last = unsafe events.last { unsafe try harness.wait(for: last, on: stream) }
            if generator.below(3) == 0 { unsafe try harness.launch(gate, on: stream) }
            unsafe try harness.fill(buffer, UInt8(step), 4096 - step * 100, on: stream)
            let event = unsafe try harness.makeEvent()
            unsafe try harness.record(event, on: stream)
            unsafe events.append(event)
        }
        for index in unsafe streams.indices { unsafe try harness.synchronize(streams[index]) }
        let bytes = unsafe try harness.read(buffer, count: 4096)
        for step in 0..<30 { #expect(bytes[4096 - step * 100 - 1] == UInt8(step)) }
        unsafe try harness.destroy(events: events)
        unsafe try harness.destroy(streams: streams)
        unsafe harness.free(buffer)
    }

    @Test func `A host function that waits for its own stream is told so`() throws {
        let harness = try Harness()
        final class Answer: Sendable {
            let code = Atomic<Int32>(1)
        }
        struct Arguments {
            var harness: UInt
            var answer: UInt
        }
        let answer = Answer()
        var arguments = unsafe Arguments(
            harness: UInt(bitPattern: Unmanaged.passUnretained(harness).toOpaque()),
            answer: UInt(bitPattern: Unmanaged.passUnretained(answer).toOpaque()))
        try unsafe harness.call {
            unsafe harness.functions.stream_launch(
                harness.stream,
                { raw in
                    guard let words = unsafe raw?.load(as: Arguments.self),
                        let first = unsafe UnsafeRawPointer(bitPattern: words.harness),
                        let second = unsafe UnsafeRawPointer(bitPattern: words.answer)
                    else { return }
                    let harness = unsafe Unmanaged<Harness>.fromOpaque(first).takeUnretainedValue()
                    let answer = unsafe Unmanaged<Answer>.fromOpaque(second).takeUnretainedValue()
                    answer.code.store(
                        unsafe harness.functions.stream_synchronize(harness.stream, -1, nil),
                        ordering: .relaxed)
                }, &arguments, 16, 0, $0)
        }
        unsafe try harness.synchronize()
        #expect(answer.code.load(ordering: .relaxed) == Int32(HENG_ERROR_MISUSE))
    }

    @Test func `Contexts count memory, hold their limit and refuse to go before what they own`() throws {
        let harness = try Harness()
        let functions = unsafe harness.functions
        var info = unsafe heng_memory_info()
        unsafe info.header.struct_size = UInt32(MemoryLayout<heng_memory_info>.size)
        unsafe try harness.call { unsafe functions.context_limit_memory(harness.context, 1000, $0) }
        let buffer = unsafe try harness.makeBuffer(600)
        #expect(throws: TableFailure.self) { _ = unsafe try harness.makeBuffer(600) }
        var arguments = unsafe harness.bufferArguments(600)
        var (none, error): (OpaquePointer?, OpaquePointer?)
        #expect(
            unsafe functions.buffer_allocate(harness.context, &arguments, &none, &error)
                == Int32(HENG_ERROR_OUT_OF_DEVICE_MEMORY))
        var description = unsafe heng_error_description()
        unsafe description.header.struct_size = UInt32(MemoryLayout<heng_error_description>.size)
        #expect(unsafe functions.error_describe(error, &description) == 0)
        #expect(unsafe description.requested == 600 && description.available == 400)
        unsafe functions.error_destroy(error)
        unsafe harness.free(buffer)
        unsafe harness.free(try harness.makeBuffer(900))
        unsafe try harness.call { unsafe functions.context_memory_info(harness.context, &info, $0) }
        #expect(unsafe info.in_use == 0 && info.high_water == 900 && info.limit == 1000)
        #expect(throws: TableFailure.self) { _ = unsafe try harness.makeBuffer(1 << 60) }
        unsafe #expect(harness.code { unsafe functions.context_destroy(harness.context, $0) } == .notReleased)
        var zero = unsafe harness.bufferArguments(0)
        unsafe #expect(
            harness.code { unsafe functions.buffer_allocate(harness.context, &zero, &none, $0) }
                == .invalidArgument)
    }

    @Test func `Memory of streams and of the host`() throws {
        let harness = try Harness()
        let functions = unsafe harness.functions
        var arguments = unsafe harness.bufferArguments(256)
        var buffer: OpaquePointer?
        unsafe try harness.call { unsafe functions.stream_allocate(harness.stream, &arguments, &buffer, $0) }
        let made = unsafe try #require(unsafe buffer)
        unsafe try harness.fill(made, 8, 256)
        unsafe #expect(try harness.read(made, count: 256).allSatisfy { $0 == 8 })
        let gate = Gate()
        unsafe try harness.launch(gate)
        unsafe try harness.fill(made, 9, 256)
        unsafe try harness.call { unsafe functions.stream_free(harness.stream, made, $0) }
        gate.open()
        unsafe try harness.synchronize()
        var host: UnsafeMutableRawPointer?
        unsafe try harness.call { unsafe functions.host_allocate(harness.context, &arguments, &host, $0) }
        let place = unsafe try #require(unsafe host)
        unsafe place.storeBytes(of: 0x1234_5678, as: UInt32.self)
        #expect(unsafe place.load(as: UInt32.self) == 0x1234_5678)
        var local = 0
        unsafe #expect(
            harness.code { unsafe functions.host_free(harness.context, &local, $0) } == .invalidArgument)
        unsafe try harness.call { unsafe functions.host_free(harness.context, place, $0) }
        var info = unsafe heng_memory_info()
        unsafe info.header.struct_size = UInt32(MemoryLayout<heng_memory_info>.size)
        unsafe try harness.call { unsafe functions.context_memory_info(harness.context, &info, $0) }
        #expect(unsafe info.in_use == 0)
    }

    @Test func `Parts of a device are devices`() throws {
        let whole = try TestDevice.get()
        let functions = unsafe whole.table.functions.pointee
        try #require(
            whole.description.capabilities.contains(.partition) || whole.description.computeUnits == 1)
        guard whole.description.computeUnits > 1 else { return }
        var arguments = unsafe heng_partition_arguments()
        unsafe arguments.header.struct_size = UInt32(MemoryLayout<heng_partition_arguments>.size)
        unsafe arguments.compute_units = 1
        unsafe arguments.memory_bytes = 1 << 20
        var handle: OpaquePointer?
        #expect(unsafe functions.device_partition(whole.handle, &arguments, &handle, nil) == 0)
        let part = unsafe try Device(table: whole.table, handle: #require(unsafe handle), index: 0)
        #expect(part.description.computeUnits == 1 && part.description.memory == .mebibytes(1))
        do {
            let harness = try Harness(on: part)
            #expect(throws: TableFailure.self) { _ = unsafe try harness.makeBuffer(2 << 20) }
            let y = try harness.run("Relu", [Numbers(dims: [3], values: [-1, 0, 1])])[0]
            #expect(y.values == [0, 0, 1])
            #expect(unsafe functions.device_release(part.handle, nil) == Int32(HENG_ERROR_NOT_RELEASED))
        }
        #expect(unsafe functions.device_release(whole.handle, nil) == Int32(HENG_ERROR_INVALID_DEVICE))
        #expect(unsafe functions.device_release(part.handle, nil) == 0)
        unsafe arguments.compute_units = 100_000
        #expect(
            unsafe functions.device_partition(whole.handle, &arguments, &handle, nil)
                == Int32(HENG_ERROR_INVALID_ARGUMENT))
    }

    @Test func `The backend starts once, and does not end while contexts live`() throws {
        let harness = try Harness()
        let functions = unsafe harness.functions
        var arguments = unsafe heng_initialize_arguments()
        unsafe arguments.header.struct_size = UInt32(MemoryLayout<heng_initialize_arguments>.size)
        unsafe arguments.abi_major = HENG_ACCELERATOR_MAJOR
        #expect(unsafe functions.initialize(&arguments, nil) == Int32(HENG_ERROR_REPEATED_INITIALIZE))
        #expect(unsafe functions.finalize(nil) == Int32(HENG_ERROR_NOT_RELEASED))
        unsafe arguments.abi_major = 99
        #expect(unsafe functions.initialize(&arguments, nil) == Int32(HENG_ERROR_VERSION))
        var device: OpaquePointer?
        #expect(unsafe functions.device_get(1000, &device, nil) == Int32(HENG_ERROR_INVALID_DEVICE_INDEX))
        var choice = unsafe heng_stream_arguments()
        unsafe choice.header.struct_size = UInt32(MemoryLayout<heng_stream_arguments>.size)
        unsafe choice.priority = 1
        var stream: OpaquePointer?
        #expect(
            unsafe functions.stream_create(harness.context, &choice, &stream, nil)
                == Int32(HENG_ERROR_UNSUPPORTED))
    }
}
