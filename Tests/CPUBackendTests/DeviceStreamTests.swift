import AcceleratorAPI
import CPUBackend
import Essentials
import Glibc
import Synchronization
import TestSupport
import Testing

@Suite("Streams and events of the CPU device", .timeLimit(.minutes(10)))
struct DeviceStreamTests {
    @Test(arguments: DeviceForm.allCases)
    func `work of one stream runs in the order of its submission, past the ring's size`(form: DeviceForm)
        throws
    {
        let stream = try form.open().makeContext().makeStream()
        let cells = Cells(1)

        for value in 0..<5_000 { try cells.step(0, UInt64(value), on: stream) }
        try stream.synchronize()

        #expect(cells.values == [(0..<5_000).reduce(1) { Cells.next($0, UInt64($1)) }])
    }

    @Test(arguments: DeviceForm.allCases)
    func `a stream waits for another's event, and timeouts of 0 and n pass without harm`(form: DeviceForm)
        throws
    {
        let context = try form.open().makeContext()
        let first = try context.makeStream()
        let second = try context.makeStream()
        let event = try context.makeEvent()
        let cells = Cells(1)
        let gate = Gate()

        try gate.hold(first)
        try cells.step(0, 10, on: first)
        try first.record(event)
        try second.wait(for: event)
        try cells.step(0, 20, on: second)

        #expect(try !event.isComplete())
        #expect(code { try second.synchronize(timeout: .zero) } == .timeout)
        #expect(code { try second.synchronize(timeout: .milliseconds(3)) } == .timeout)
        #expect(code { try event.synchronize(timeout: .milliseconds(3)) } == .timeout)
        #expect(cells.values == [1])
        gate.open()
        try second.synchronize()
        try second.synchronize(timeout: .zero)
        #expect(try event.isComplete())
        #expect(cells.values == [Cells.next(Cells.next(1, 10), 20)])
    }

    @Test(arguments: DeviceForm.allCases)
    func `elapsed time goes from one record to the other, with its sign`(form: DeviceForm) throws {
        let context = try form.open().makeContext()
        let stream = try context.makeStream()
        let start = try context.makeEvent()
        let end = try context.makeEvent()
        let gate = Gate()

        #expect(code { _ = try start.isComplete() } == .eventNotRecorded)
        #expect(code { try stream.wait(for: start) } == .eventNotRecorded)
        try stream.record(start)
        try gate.hold(stream)
        try stream.record(end)
        #expect(code { _ = try end.milliseconds(since: start) } == .eventTime)
        gate.open()
        try end.synchronize()

        let elapsed = try end.milliseconds(since: start)
        #expect(elapsed > 0)
        #expect(try start.milliseconds(since: end) == -elapsed)
        #expect(try end.milliseconds(since: end) == 0)
    }

    @Test(arguments: DeviceForm.allCases)
    func `a failure sticks to its stream, travels with events, and leaves new streams alone`(form: DeviceForm)
        throws
    {
        let context = try form.open().makeContext()
        let failing = try context.makeStream()
        let waiting = try context.makeStream()
        let event = try context.makeEvent()
        let cells = Cells(1)

        try unsafe failing.launchFallible({ _ in 7 }, arguments: UnsafeRawBufferPointer(start: nil, count: 0))
        for _ in 0..<3 {
            let error = #expect(throws: DeviceError.self) { try failing.synchronize() }
            #expect(error?.code == .execution)
            #expect(error?.scope == .stream)
            #expect(error?.nativeCode == 7)
        }
        #expect(code { try cells.step(0, 1, on: failing) } == .execution)
        #expect(cells.values == [1])

        // A record that was submitted before the failure was known carries it.
        let carrier = try context.makeStream()
        let gate = Gate()
        try gate.hold(carrier)
        try unsafe carrier.launchFallible({ _ in 9 }, arguments: UnsafeRawBufferPointer(start: nil, count: 0))
        try carrier.record(event)
        try waiting.wait(for: event)
        try cells.step(0, 2, on: waiting)
        gate.open()
        #expect(code { try event.synchronize() } == .execution)
        #expect(code { try waiting.synchronize() } == .execution)
        #expect(cells.values == [1])

        let fresh = try context.makeStream()
        try cells.step(0, 3, on: fresh)
        try fresh.synchronize()
        #expect(cells.values == [Cells.next(1, 3)])
    }

    @Test(arguments: DeviceForm.allCases)
    func `closing a stream runs its work to the end, and tells how it had failed`(form: DeviceForm) throws {
        let context = try form.open().makeContext()
        let good = try context.makeStream()
        let bad = try context.makeStream()
        let cells = Cells(1)
        var told: DeviceError.Code?

        try cells.step(0, 5, on: good)
        try good.close()
        try unsafe bad.launchFallible({ _ in -3 }, arguments: UnsafeRawBufferPointer(start: nil, count: 0))
        do throws(DeviceError) { try bad.close() } catch { told = error.code }

        #expect(cells.values == [Cells.next(1, 5)])
        #expect(told == .execution)
    }

    @Test func `a host function that waits for its own stream is told so`() throws {
        let context = try DeviceForm.plain.open().makeContext()
        let stream = try SharedStream(context.makeStream())
        let seen = Mutex<[DeviceError.Code?]>([])

        try stream.value.run {
            seen.withLock { $0.append(code { try stream.value.synchronize() }) }
            // More than the ring holds, from the only thread that could make room.
            let overfull = code { for _ in 0..<1_000 { try stream.value.run {} } }
            seen.withLock { $0.append(overfull) }
        }
        try stream.value.synchronize()

        #expect(seen.withLock { $0 } == [.misuse, .misuse])
    }

    @Test(arguments: propertySeeds)
    func `random programs over several streams compute what one after the other would`(seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        let context = try random.pick(DeviceForm.allCases).open().makeContext()
        let streams = try (0..<4).map { _ in try SharedStream(context.makeStream()) }
        let cells = Cells(3)
        var expected = cells.values
        // Which stream touched a cell last; another stream that wants it waits for an event of that one first.
        var last = [Int?](repeating: nil, count: cells.count)

        for _ in 0..<300 {
            let lane = random.below(streams.count)
            let cell = random.below(cells.count)
            let value = random.next()
            if let before = last[cell], before != lane {
                let event = try context.makeEvent()
                try streams[before].value.record(event)
                try streams[lane].value.wait(for: event)
            }
            try cells.step(cell, value, on: streams[lane].value)
            expected[cell] = Cells.next(expected[cell], value)
            last[cell] = lane
        }
        for stream in streams { try stream.value.synchronize() }

        #expect(cells.values == expected)
    }

    @Test func `synchronizing a device waits for all its streams`() throws {
        // A virtual device of our own: the machine's device also has the streams of tests that run beside this.
        let context = try DeviceForm.virtual.open().makeContext()
        let first = try context.makeStream()
        let second = try context.makeStream()
        let cells = Cells(2)
        for value in 0..<2_000 {
            try cells.step(0, UInt64(value), on: first)
            try cells.step(1, UInt64(value), on: second)
        }

        try context.device.synchronize()

        let expected = (0..<2_000).reduce(UInt64(1)) { Cells.next($0, UInt64($1)) }
        #expect(cells.values == [expected, expected])
    }

    @Test(arguments: propertySeeds.prefix(20))
    func `many threads may submit to one stream, and each keeps its own order`(seed: UInt64) throws {
        let context = try DeviceForm.plain.open().makeContext()
        let stream = try SharedStream(context.makeStream())
        let cells = Cells(4)
        let failures = Mutex(0)

        onThreads(4) { thread in
            for value in 0..<500 {
                do { try cells.step(thread, seed &+ UInt64(value), on: stream.value) } catch {
                    failures.withLock { $0 += 1 }
                }
            }
        }
        try stream.value.synchronize()

        let expected = (0..<500).reduce(UInt64(1)) { Cells.next($0, seed &+ UInt64($1)) }
        #expect(failures.withLock { $0 } == 0)
        #expect(cells.values == [UInt64](repeating: expected, count: 4))
    }

    @Test(arguments: propertySeeds.prefix(20))
    func `streams come and go on many threads while others work`(seed: UInt64) throws {
        let device = try DeviceForm.plain.open()
        let wrong = Mutex(0)

        onThreads(4) { thread in
            var random = SeededGenerator(seed: seed &* 31 &+ UInt64(thread))
            do {
                let context = try device.makeContext()
                for _ in 0..<5 {
                    let stream = try context.makeStream()
                    let cells = Cells(1)
                    let count = random.below(400)
                    for value in 0..<count { try cells.step(0, UInt64(value), on: stream) }
                    // Half of them are closed with work still in them: close waits for it.
                    if random.below(2) == 0 { try stream.synchronize() }
                    try stream.close()
                    let expected = (0..<count).reduce(UInt64(1)) { Cells.next($0, UInt64($1)) }
                    if cells.values != [expected] { wrong.withLock { $0 += 1 } }
                }
            } catch { wrong.withLock { $0 += 1 } }
        }

        #expect(wrong.withLock { $0 } == 0)
    }

    @Test func `a stream's thread stays on the CPUs it was given, as the kernel says`() throws {
        let device = try DeviceForm.plain.open()
        let all = try #require(device.description.cpus)
        let one = CPUSet([try #require(all.units.last)])
        let context = try device.makeContext()
        let wide = try context.makeStream()
        let narrow = try context.makeStream(cpus: one)
        let seen = Mutex<[CPUSet]>([])

        try wide.run { seen.withLock { $0.append(allowedCPUsOfThisThread()) } }
        try wide.synchronize()
        try narrow.run { seen.withLock { $0.append(allowedCPUsOfThisThread()) } }
        try narrow.synchronize()

        #expect(seen.withLock { $0 } == [all, one])
        #expect(code { _ = try context.makeStream(cpus: CPUSet([4_000])) } == .invalidArgument)
    }
}

/// A stream that several threads of a test borrow.
final class SharedStream: Sendable {
    let value: DeviceStream
    init(_ stream: consuming DeviceStream) { value = stream }
}

extension DeviceStream {
    /// Runs a closure in stream order; the tests' way to look at the world from there.
    borrowing func run(_ body: @escaping @Sendable () -> Void) throws(DeviceError) {
        final class Box: Sendable {
            let body: @Sendable () -> Void
            init(_ body: @escaping @Sendable () -> Void) { self.body = body }
        }
        let box = unsafe Unmanaged.passRetained(Box(body))
        do throws(DeviceError) {
            try unsafe launch(
                { argument in
                    guard let raw = unsafe UnsafeRawPointer(bitPattern: argument.load(as: UInt.self)) else {
                        return
                    }
                    unsafe Unmanaged<Box>.fromOpaque(raw).takeRetainedValue().body()
                }, with: UInt(bitPattern: box.toOpaque()))
        } catch {
            unsafe box.release()
            throw error
        }
    }
}

/// What /proc says about the calling thread.
func allowedCPUsOfThisThread() -> CPUSet {
    guard let file = unsafe fopen("/proc/thread-self/status", "r") else { return CPUSet() }
    defer { unsafe fclose(file) }
    var line = [CChar](repeating: 0, count: 4096)
    while unsafe fgets(&line, Int32(line.count), file) != nil {
        let text = String(decoding: line.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
        guard text.hasPrefix("Cpus_allowed_list:") else { continue }
        return CPUSet(parsing: String(text.dropFirst("Cpus_allowed_list:".count))) ?? CPUSet()
    }
    return CPUSet()
}
