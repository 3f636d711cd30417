import AcceleratorAPI
import CHengAccelerator
import Essentials
import Glibc
import SimulatedBackend
import Synchronization
import Testing

@Suite("Errors that stay, and ways out, of simulated devices")
struct RecoveryTests {
    private func broken(_ sim: Sim, _ context: Sim.Handle, _ stream: Sim.Handle, _ buffer: Sim.Handle) throws
    {
        unsafe try sim.fill(stream, buffer, 100, correlation: 77)
        let error = try failure { () throws(DeviceError) in unsafe try sim.synchronize(stream) }
        #expect(error.code == .execution && error.scope == .context && error.correlation == 77)
    }

    @Test func `a broken context names its cause in every call until it is rebuilt`() throws {
        let sim = try Sim {
            $0.faults = [Fault(function: "stream_fill", .call(1), .lateError(.execution, .context))]
        }
        let context = unsafe try sim.context()
        let (stream, other) = unsafe (try sim.stream(context), try sim.stream(context))
        let (event, buffer) = unsafe (try sim.event(context), try sim.buffer(context, 100))
        let state = unsafe try sim.state(context)
        #expect(state.epoch == 0 && state.cause == nil)
        try unsafe broken(sim, context, stream, buffer)

        let cause = unsafe try #require(try sim.state(context).cause)
        #expect(cause.code == .execution && cause.correlation == 77)
        func needsRebuild(_ body: () throws(DeviceError) -> Void) throws {
            let error = try failure(body)
            #expect(error.code == .needsRebuild && error.scope == .context && error.correlation == 77)
            #expect(error.text.contains("stream_fill") && error.text.contains("correlation 77"))
        }
        try needsRebuild { () throws(DeviceError) in unsafe try sim.synchronize(other) }
        try needsRebuild { () throws(DeviceError) in _ = unsafe try sim.stream(context) }
        try needsRebuild { () throws(DeviceError) in _ = unsafe try sim.event(context) }
        try needsRebuild { () throws(DeviceError) in _ = unsafe try sim.buffer(context, 5) }
        try needsRebuild { () throws(DeviceError) in _ = unsafe try sim.memory(context) }
        try needsRebuild { () throws(DeviceError) in unsafe try sim.record(event, other) }
        // Other contexts go on.
        let second = unsafe try sim.context()
        let bystander = unsafe try sim.stream(second)
        unsafe try sim.synchronize(bystander)

        unsafe try sim.rebuild(context)
        #expect(unsafe try sim.state(context).epoch == 1)
        #expect(unsafe try sim.memory(context).in_use == 0)
        func isDead(_ body: () throws(DeviceError) -> Void) throws {
            #expect(try failure(body).code == .context)
        }
        try isDead { () throws(DeviceError) in unsafe try sim.synchronize(stream) }
        try isDead { () throws(DeviceError) in unsafe try sim.synchronize(event: event) }
        let fresh = unsafe try sim.stream(context)
        let dead = try failure { () throws(DeviceError) in unsafe try sim.fill(fresh, buffer, 10) }
        #expect(dead.code == .context && dead.text.contains("A buffer"))
        let room = unsafe try sim.buffer(context, 100)
        unsafe try sim.fill(fresh, room, 100)
        #expect(try unsafe sim.read(fresh, room, 1) == [7])
        unsafe try sim.end(second, streams: [bystander])
        unsafe try sim.end(
            context, streams: [stream, other, fresh], events: [event], buffers: [buffer, room])
        #expect(unsafe try sim.status().memory_free == 16 << 20)
    }

    @Test func `a context that works is not rebuilt`() throws {
        let sim = try Sim()
        let context = unsafe try sim.context()
        let error = try failure { () throws(DeviceError) in unsafe try sim.rebuild(context) }
        #expect(error.code == .misuse)
        unsafe try sim.end(context)
    }

    @Test func `a lost device refuses everything until it is reset`() throws {
        let sim = try Sim { $0.faults = [Fault(function: "stream_fill", .call(2), .loseDevice)] }
        let context = unsafe try sim.context()
        let (stream, other) = unsafe (try sim.stream(context), try sim.stream(context))
        let buffer = unsafe try sim.buffer(context, 1000)
        unsafe try sim.fill(other, buffer, 1000)
        unsafe try sim.fill(stream, buffer, 1000, correlation: 6)
        let error = try failure { () throws(DeviceError) in unsafe try sim.synchronize(stream) }
        #expect(error.code == .deviceLost && error.scope == .device && error.correlation == 6)
        // Half of its time had passed.
        func isLost(_ body: () throws(DeviceError) -> Void) throws {
            let refused = try failure(body)
            #expect(refused.code == .deviceLost && refused.correlation == 6)
        }
        try isLost { () throws(DeviceError) in unsafe try sim.synchronize(other) }
        try isLost { () throws(DeviceError) in _ = unsafe try sim.context() }
        try isLost { () throws(DeviceError) in _ = unsafe try sim.buffer(context, 5) }
        try isLost { () throws(DeviceError) in unsafe try sim.rebuild(context) }
        try isLost { () throws(DeviceError) in _ = try sim.clock() }
        #expect(try unsafe sim.status().health == Int32(HENG_HEALTH_BROKEN))

        try unsafe sim.call { unsafe sim.table.device_reset(sim.device.handle, $0) }
        #expect(try unsafe sim.status().health == Int32(HENG_HEALTH_GOOD))
        #expect(try unsafe sim.status().last_error == 0)
        func isReset(_ body: () throws(DeviceError) -> Void) throws {
            #expect(try failure(body).code == .context)
        }
        try isReset { () throws(DeviceError) in unsafe try sim.synchronize(stream) }
        try isReset { () throws(DeviceError) in _ = unsafe try sim.stream(context) }
        try isReset { () throws(DeviceError) in unsafe try sim.rebuild(context) }
        let fresh = unsafe try sim.context()
        let room = unsafe try sim.buffer(fresh, 16 << 20)
        unsafe try sim.end(fresh, buffers: [room])
        unsafe try sim.end(context, streams: [stream, other], buffers: [buffer])
    }

    @Test func `a reset ends a hang, and those who wait for it`() throws {
        let sim = try Sim { $0.faults = [Fault(function: "stream_fill", .call(1), .hang)] }
        let context = unsafe try sim.context()
        let stream = unsafe try sim.stream(context)
        let buffer = unsafe try sim.buffer(context, 1000)
        unsafe try sim.fill(stream, buffer, 1000)
        #expect(throws: DeviceError.self) { unsafe try sim.synchronize(stream, 1) }
        try unsafe sim.call { unsafe sim.table.device_reset(sim.device.handle, $0) }
        #expect(try failure { () throws(DeviceError) in unsafe try sim.synchronize(stream) }.code == .context)
        unsafe try sim.end(context, streams: [stream], buffers: [buffer])
    }

    @Test func `a stream that goes on after failures reports each of them once`() throws {
        let sim = try Sim {
            $0.faults = [Fault(function: "stream_fill", .every(2), .lateError(.execution, .stream))]
        }
        let context = unsafe try sim.context()
        let stream = unsafe try sim.stream(context, continues: true)
        let buffer = unsafe try sim.buffer(context, 4)
        for number in 1...4 {
            unsafe try sim.fill(stream, buffer, 4, value: UInt8(number), correlation: UInt64(number))
        }
        for correlation: UInt64 in [2, 4] {
            let error = try failure { () throws(DeviceError) in unsafe try sim.synchronize(stream) }
            #expect(error.correlation == correlation)
        }
        unsafe try sim.synchronize(stream)
        unsafe try sim.fill(stream, buffer, 4, value: 9)
        #expect(try unsafe sim.read(stream, buffer, 4) == [9, 9, 9, 9])
        unsafe try sim.end(context, streams: [stream], buffers: [buffer])
    }

    @Test func `a host function's code fails its stream, and waiting for oneself is misuse`() throws {
        let sim = try Sim()
        let context = unsafe try sim.context()
        let stream = unsafe try sim.stream(context)
        let outcome = Box()
        let arguments = unsafe Call(
            stream: UInt(bitPattern: stream), box: UInt(bitPattern: outcome.pointer),
            synchronize: unsafe unsafeBitCast(sim.table.stream_synchronize, to: UInt.self))
        try unsafe withUnsafeBytes(of: arguments) { bytes throws(DeviceError) in
            try unsafe sim.call {
                unsafe sim.table.stream_launch_fallible(
                    stream,
                    { argument in
                        guard let call = unsafe argument?.load(as: Call.self) else { return 1 }
                        let synchronize = unsafe unsafeBitCast(call.synchronize, to: Synchronize.self)
                        let code = unsafe synchronize(OpaquePointer(bitPattern: call.stream), -1, nil)
                        unsafe UnsafeMutablePointer<Int32>(bitPattern: call.box)?.pointee = code
                        return 42
                    }, bytes.baseAddress, UInt32(bytes.count), 11, $0)
            }
        }
        let error = try failure { () throws(DeviceError) in unsafe try sim.synchronize(stream) }
        #expect(error.code == .execution && error.nativeCode == 42 && error.correlation == 11)
        #expect(outcome.value == DeviceError.Code.misuse.rawValue)
        unsafe try sim.end(context, streams: [stream])
    }

    private typealias Synchronize = @convention(c) (OpaquePointer?, Int32, ErrorPlace?) -> Int32

    private struct Call: BitwiseCopyable {
        var stream: UInt
        var box: UInt
        var synchronize: UInt
    }

    @safe private final class Box {
        let pointer = UnsafeMutablePointer<Int32>.allocate(capacity: 1)
        init() { unsafe pointer.initialize(to: 0) }
        deinit { unsafe pointer.deallocate() }
        var value: Int32 { unsafe pointer.pointee }
    }

    @Test func `a host function that runs too long fails its stream, and its result counts no more`() throws {
        let sim = try Sim()
        let context = unsafe try sim.context()
        let stream = unsafe try sim.stream(context, work: 20)
        let event = unsafe try sim.event(context)
        let order = Order()
        try unsafe launch(sim, stream, order, 0, correlation: 9)
        unsafe try sim.record(event, stream)
        let error = try failure { () throws(DeviceError) in unsafe try sim.synchronize(stream) }
        #expect(error.code == .timeout && error.scope == .stream && error.correlation == 9)
        #expect(try failure { () throws(DeviceError) in unsafe try sim.synchronize(event: event) } == error)
        order.open()
        unsafe try sim.end(context, streams: [stream], events: [event])
    }

    /// Launches a function that notes its number, and waits at the gate if it is number 0.
    private func launch(
        _ sim: Sim, _ stream: Sim.Handle, _ order: Order, _ number: Int, correlation: UInt64 = 0
    ) throws {
        let step = unsafe Step(order: UInt(bitPattern: order.pointer), number: number)
        try unsafe withUnsafeBytes(of: step) { bytes throws(DeviceError) in
            try unsafe sim.call {
                unsafe sim.table.stream_launch(
                    stream,
                    { argument in
                        guard let step = unsafe argument?.load(as: Step.self) else { return }
                        Order.note(step.order, step.number)
                    }, bytes.baseAddress, UInt32(bytes.count), correlation, $0)
            }
        }
    }

    @Test func `the stream of the highest priority is next when a lane is free`() throws {
        let sim = try Sim { $0.lanes = 1 }
        let context = unsafe try sim.context()
        let streams = try unsafe [0, -1, 5, 1].map { unsafe try sim.stream(context, priority: $0) }
        let order = Order()
        for number in 0..<4 {
            try unsafe launch(sim, streams[number], order, number)
            // The first holds the lane until all others wait for it.
            if number == 0 { order.waitForFirst() }
        }
        // A question waits until all that can run has run: the other three stand at the lane.
        _ = unsafe try sim.status()
        order.open()
        try unsafe sim.call { unsafe sim.table.device_synchronize(sim.device.handle, $0) }
        #expect(order.numbers == [0, 2, 3, 1])
        unsafe try sim.end(context, streams: streams)
    }

    private struct Step: BitwiseCopyable {
        var order: UInt
        var number: Int
    }
}

/// The order in which host functions ran; the first waits in a gate.
@safe private final class Order: @unchecked Sendable {
    struct State {
        var isStarted = false
        var isOpen = false
        var numbers: [Int] = []
    }
    final class Cell: Sendable { let state = Mutex(State()) }

    private let cell = Cell()
    var pointer: UnsafeMutableRawPointer { unsafe Unmanaged.passUnretained(cell).toOpaque() }

    var numbers: [Int] { cell.state.withLock { $0.numbers } }
    func open() { cell.state.withLock { $0.isOpen = true } }
    func waitForFirst() { while !cell.state.withLock({ $0.isStarted }) { sched_yield() } }

    static func note(_ raw: UInt, _ number: Int) {
        guard let pointer = unsafe UnsafeRawPointer(bitPattern: raw) else { return }
        let cell = unsafe Unmanaged<Cell>.fromOpaque(pointer).takeUnretainedValue()
        cell.state.withLock {
            $0.numbers.append(number)
            $0.isStarted = true
        }
        if number == 0 { while !cell.state.withLock({ $0.isOpen }) { sched_yield() } }
    }
}
