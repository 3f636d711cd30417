import AcceleratorAPI
import CPUBackend
import Essentials
import Glibc
import Synchronization
import TestSupport
import Testing

@Suite("Abort, limits, recordings and profiles of the CPU device", .timeLimit(.minutes(10)))
struct DeviceControlTests {
    @Test(arguments: DeviceForm.allCases)
    func `an abort drops what has not begun, and the stream says so from then on`(form: DeviceForm) throws {
        let context = try form.open().makeContext()
        let stream = try context.makeStream()
        let event = try context.makeEvent()
        let (cells, gate) = (Cells(1), Gate())
        try gate.hold(stream)
        for value in 0..<UInt64(10) { try cells.step(0, value, on: stream) }
        try stream.record(event)

        onThreads(2) { index in
            // One thread opens the gate only after the abort of the other has failed the stream.
            if index == 0 {
                try? stream.abort()
            } else {
                while code({ _ = try stream.isIdle() }) != .cancelled { sched_yield() }
                gate.open()
            }
        }

        #expect(cells.values == [1])
        #expect(code { try stream.synchronize() } == .cancelled)
        #expect(code { try cells.step(0, 1, on: stream) } == .cancelled)
        #expect(try event.isComplete())
        #expect(code { try event.synchronize() } == .cancelled)
    }

    @Test(arguments: DeviceForm.allCases)
    func `an abort ends a wait for an event that never comes`(form: DeviceForm) throws {
        let context = try form.open().makeContext()
        let first = try context.makeStream()
        let second = try context.makeStream()
        let event = try context.makeEvent()
        let gate = Gate()
        try gate.hold(first)
        try first.record(event)
        try second.wait(for: event)
        #expect(try !event.hasNoWaits())

        try second.abort()

        #expect(try event.hasNoWaits())
        #expect(try !event.isComplete())
        gate.open()
        try first.synchronize()
        #expect(try event.isComplete())
    }

    @Test func `work that runs for longer than its limit fails the stream with its number`() throws {
        let context = try DeviceForm.plain.open().makeContext()
        let stream = try context.makeStream(options: StreamOptions(workLimit: .milliseconds(2)))
        let gate = Gate()
        try gate.hold(stream, correlation: 77)

        let failure = error { try stream.synchronize() }

        #expect(failure?.code == .timeout && failure?.scope == .stream)
        #expect(failure?.correlation == 77)
        gate.open()
        #expect(code { try stream.synchronize() } == .timeout)
    }

    @Test func `a stream that continues reports each failure once, and runs what is behind it`() throws {
        let context = try DeviceForm.plain.open().makeContext()
        let stream = try context.makeStream(options: StreamOptions(continues: true))
        let cells = Cells(1)
        try fail(stream, 3, correlation: 5)
        try cells.step(0, 9, on: stream)
        try fail(stream, 4, correlation: 6)
        while code({ try stream.synchronize(timeout: .zero) }) == .timeout {}

        var seen: [UInt64] = []
        try fail(stream, 7, correlation: 8)
        for _ in 0..<4 {
            if let failure = error({ try stream.synchronize() }) { seen.append(failure.correlation) }
        }
        #expect(seen.last == 8 && Set(seen).isSubset(of: [5, 6, 8]))
        #expect(cells.values == [Cells.next(1, 9)])
        try stream.synchronize()
    }

    @Test func `failed work is named by its number`() throws {
        let stream = try DeviceForm.plain.open().makeContext().makeStream()
        try fail(stream, 42, correlation: 1234)
        let failure = error { try stream.synchronize() }
        #expect(failure?.code == .execution && failure?.nativeCode == 42)
        #expect(failure?.correlation == 1234 && failure?.scope == .stream)
    }

    @Test(arguments: DeviceForm.allCases)
    func `a reset event is as newly made, and one that has not happened cannot be reset`(form: DeviceForm)
        throws
    {
        let context = try form.open().makeContext()
        let stream = try context.makeStream()
        let event = try context.makeEvent()
        let gate = Gate()
        try gate.hold(stream)
        try stream.record(event)
        #expect(code { try event.reset() } == .misuse)
        gate.open()
        try stream.synchronize()
        try event.reset()
        #expect(code { _ = try event.isComplete() } == .eventNotRecorded)
        try stream.record(event)
        try event.synchronize()
    }

    @Test(arguments: DeviceForm.allCases)
    func `a recording runs as often as it is submitted, with one call each`(form: DeviceForm) throws {
        let context = try form.open().makeContext()
        let stream = try context.makeStream()
        let cells = Cells(1)
        let recording = try DeviceRecording(of: stream) { stream in
            for value in 0..<100 { try cells.step(0, UInt64(value), on: stream) }
        }
        try stream.synchronize()
        #expect(cells.values == [1])
        #expect(try recording.count() == 100)

        for _ in 0..<3 { try recording.submit(to: stream) }
        try stream.synchronize()

        let once = (0..<100).map(UInt64.init)
        #expect(cells.values == [(once + once + once).reduce(1) { Cells.next($0, $1) }])
    }

    @Test(arguments: DeviceForm.allCases)
    func `waiting cannot be recorded, and the recording can still be ended`(form: DeviceForm) throws {
        let stream = try form.open().makeContext().makeStream()
        _ = try DeviceRecording(of: stream) { stream in
            #expect(code { try stream.synchronize() } == .misuse)
            #expect(code { _ = try DeviceRecording(of: stream) { _ in } } == .misuse)
        }
        try stream.synchronize()
    }

    @Test(arguments: DeviceForm.allCases)
    func `records carry the numbers and names of their work, and count what was dropped`(form: DeviceForm)
        throws
    {
        let context = try form.open().makeContext()
        let stream = try context.makeStream()
        let buffer = try context.makeBuffer(of: .bytes(4096))
        let cells = Cells(1)
        try context.startProfile(capacity: 4)
        #expect(code { try context.startProfile(capacity: 4) } == .misuse)
        try stream.fill(buffer.view(), with: 1, correlation: 11)
        try stream.range("layer 1", correlation: 12) { stream in
            try cells.step(0, 1, on: stream)
            try stream.copy(
                from: buffer.view(offset: 0, size: 100), to: buffer.view(offset: 200, size: 100),
                correlation: 13)
        }
        for _ in 0..<5 { try cells.step(0, 1, on: stream) }
        try stream.synchronize()

        let (records, dropped) = try context.readProfile(atMost: 100)
        #expect(records.map(\.kind) == [.fill, .launch, .copy, .range])
        #expect(records.map(\.correlation) == [11, 0, 13, 12])
        #expect(records.map(\.bytes) == [4096, 0, 100, 0])
        #expect(records.last?.name == "layer 1")
        #expect(dropped == 5)
        #expect(records.allSatisfy { $0.begin <= $0.end && $0.stream == records[0].stream })
        #expect(records[3].begin <= records[1].begin && records[3].end >= records[2].end)
        try context.stopProfile()
        #expect(code { try context.stopProfile() } == .misuse)
    }

    @Test(arguments: DeviceForm.allCases)
    func `the status counts what lives, and the device is the same in every description`(form: DeviceForm)
        throws
    {
        let device = try form.open()
        let context = try device.makeContext()
        let before = try device.status()
        let buffer = try context.makeBuffer(of: .bytes(64))
        let after = try device.status()
        #expect(after.health == .good)
        #expect(try #require(after.buffers) > 0 && buffer.size == .bytes(64))
        #expect(before.totalMemory == after.totalMemory)
        #expect(device.description.uuid != nil)
        #expect(device.description.uuid == (try form.open().description.uuid))
        #expect(device.description.attributes["page size"] == "\(sysconf(Int32(_SC_PAGESIZE)))")
    }
}

private func fail(
    _ stream: borrowing DeviceStream, _ code: Int32, correlation: UInt64
) throws(DeviceError) {
    try unsafe withUnsafeBytes(of: code) { bytes throws(DeviceError) in
        try unsafe stream.launchFallible(
            { unsafe $0.load(as: Int32.self) }, arguments: bytes, correlation: correlation)
    }
}

/// The error that a body throws.
private func error(_ body: () throws -> Void) -> DeviceError? {
    do {
        try body()
        return nil
    } catch { return error as? DeviceError }
}
