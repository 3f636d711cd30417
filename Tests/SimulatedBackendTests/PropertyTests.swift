import AcceleratorAPI
import CHengAccelerator
import Essentials
import SimulatedBackend
import TestSupport
import Testing

/// What a program on streams and events must do to times and bytes, computed one step after the other.
private struct Model {
    var now: Int64 = 0
    var ends: [Int64]
    var records: [Int64?]
    var cells: [UInt8]

    init(streams: Int, events: Int, cells: Int) {
        ends = Array(repeating: 0, count: streams)
        records = Array(repeating: nil, count: events)
        self.cells = Array(repeating: 0, count: cells)
    }

    mutating func work(_ stream: Int, bytes: Int64) { ends[stream] = max(ends[stream], now) + 1000 + bytes }

    mutating func record(_ event: Int, _ stream: Int) {
        ends[stream] = max(ends[stream], now, records[event] ?? 0)
        records[event] = ends[stream]
    }

    mutating func wait(_ stream: Int, _ event: Int) {
        ends[stream] = max(ends[stream], now, records[event] ?? 0)
    }
}

@Suite("Programs on simulated devices")
struct PropertyTests {
    @Test(arguments: propertySeeds)
    func `times and bytes of a random program are those of the model`(seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        let sim = try Sim()
        let (streamCount, eventCount, cellCount) = (1 + random.below(4), 1 + random.below(4), 4)
        let context = unsafe try sim.context()
        let streams = try unsafe (0..<streamCount).map { _ in unsafe try sim.stream(context) }
        let events = try unsafe (0..<eventCount).map { _ in unsafe try sim.event(context) }
        // Each stream has cells of its own, so that the order among streams does not change bytes.
        let buffers = try unsafe (0..<streamCount * cellCount).map { _ in unsafe try sim.buffer(context, 3000)
        }
        var model = Model(streams: streamCount, events: eventCount, cells: streamCount * cellCount)
        for _ in 0..<120 {
            let (stream, event) = (random.below(streamCount), random.below(eventCount))
            let cell = stream * cellCount + random.below(cellCount)
            switch random.below(9) {
            case 0, 1, 2:
                let (bytes, value) = (1 + random.below(3000), UInt8(random.below(256)))
                unsafe try sim.fill(streams[stream], buffers[cell], UInt64(bytes), value: value)
                model.work(stream, bytes: Int64(bytes))
                model.cells[cell] = value
            case 3:
                let source = stream * cellCount + random.below(cellCount)
                guard source != cell else { continue }
                unsafe try sim.copy(
                    streams[stream], to: Sim.range(buffers[cell], 700), from: Sim.range(buffers[source], 700),
                    700
                )
                model.work(stream, bytes: 700)
                model.cells[cell] = model.cells[source]
            case 4, 5:
                unsafe try sim.record(events[event], streams[stream])
                model.record(event, stream)
            case 6:
                guard model.records[event] != nil else { continue }
                unsafe try sim.wait(streams[stream], for: events[event])
                model.wait(stream, event)
            case 7:
                unsafe try sim.synchronize(streams[stream])
                model.now = max(model.now, model.ends[stream])
                #expect(try sim.clock() == model.now)
            default:
                guard let time = model.records[event] else { continue }
                unsafe try sim.synchronize(event: events[event])
                model.now = max(model.now, time)
                #expect(try sim.clock() == model.now)
            }
        }
        try unsafe sim.call { unsafe sim.table.device_synchronize(sim.device.handle, $0) }
        #expect(try sim.clock() == max(model.now, model.ends.max() ?? 0))
        for (left, right) in zip(0..<eventCount, (0..<eventCount).reversed()) {
            guard let from = model.records[left], let to = model.records[right] else { continue }
            #expect(try unsafe sim.nanoseconds(from: events[left], to: events[right]) == to - from)
        }
        for (cell, value) in model.cells.enumerated() where value != 0 {
            #expect(try unsafe sim.read(streams[cell / cellCount], buffers[cell], 1) == [value])
        }
        unsafe try sim.end(context, streams: streams, events: events, buffers: buffers)
        #expect(unsafe try sim.status().memory_free == 16 << 20)
    }

    /// A run as a model does it: buffers, work, scratch memory in streams; what it made is in `made` at any time.
    private func work(_ sim: Sim, _ context: Sim.Handle, _ stream: Sim.Handle, _ made: inout [Sim.Handle])
        throws(DeviceError)
    {
        for step in 0..<6 {
            unsafe made.append(unsafe try sim.buffer(context, UInt64(1000 + step * 500)))
            unsafe try sim.fill(stream, made[step], 500, value: UInt8(step))
            var arguments = unsafe Sim.bytes(300)
            var scratch: OpaquePointer?
            try unsafe sim.call { unsafe sim.table.stream_allocate(stream, &arguments, &scratch, $0) }
            do throws(DeviceError) {
                unsafe try sim.copy(
                    stream, to: Sim.range(scratch, 300), from: Sim.range(made[step], 300), 300)
            } catch {
                try unsafe sim.call { unsafe sim.table.stream_free(stream, scratch, $0) }
                throw error
            }
            try unsafe sim.call { unsafe sim.table.stream_free(stream, scratch, $0) }
        }
    }

    @Test(arguments: ["buffer_allocate", "stream_allocate", "stream_copy"], 1...6)
    func `whichever call fails, the state is as before it, and the run works again`(
        function: String, number: Int
    ) throws {
        let code: DeviceError.Code = function == "stream_copy" ? .general : .outOfDeviceMemory
        let sim = try Sim { $0.faults = [Fault(function: function, .call(number), .fail(code, .call))] }
        let context = unsafe try sim.context()
        let stream = unsafe try sim.stream(context)
        var made: [Sim.Handle] = unsafe []
        let error = try failure { () throws(DeviceError) in
            unsafe try work(sim, context, stream, &made)
        }
        #expect(error.code == code && error.scope == .call)
        unsafe try sim.synchronize(stream)
        let expected = unsafe (0..<made.count).reduce(0) { $0 + (1000 + $1 * 500 + 255) / 256 * 256 }
        #expect(unsafe try sim.memory(context).in_use == UInt64(expected))
        #expect(unsafe try sim.status().buffers == Int64(made.count))
        for step in 0..<min(number - 1, unsafe made.count) {
            #expect(try unsafe sim.read(stream, made[step], 1) == [UInt8(step)])
        }
        for step in unsafe made.indices {
            try unsafe sim.call { unsafe sim.table.buffer_free(made[step], $0) }
        }
        unsafe made = unsafe []
        unsafe try work(sim, context, stream, &made)
        unsafe try sim.synchronize(stream)
        unsafe try sim.end(context, streams: [stream], buffers: made)
        #expect(unsafe try sim.status().memory_free == 16 << 20)
    }

    @Test(arguments: propertySeeds.prefix(30))
    func `random faults at random calls never hang a program or lose memory`(seed: UInt64) throws {
        var random = SeededGenerator(seed: seed, purpose: "faults")
        let actions: [Fault.Action] = [
            .hang, .lateError(.execution, .stream), .lateError(.execution, .context), .corruptMemory,
            .loseDevice, .wrongResult(.flip(byte: 3, bit: 1)), .slow(5), .repairMemory,
        ]
        let faults = (0..<3).map { index in
            Fault(
                function: random.pick(["stream_fill", "stream_copy"]),
                .random(probability: 0.15, seed: seed &+ UInt64(index)), random.pick(actions))
        }
        let sim = try Sim { $0.faults = faults }
        for _ in 0..<4 {
            let context: Sim.Handle
            do throws(DeviceError) { unsafe context = unsafe try sim.context() } catch {
                #expect(error.code == .deviceLost)
                try unsafe sim.call { unsafe sim.table.device_reset(sim.device.handle, $0) }
                continue
            }
            let stream = unsafe try sim.stream(context, work: 100)
            var made: [Sim.Handle] = unsafe []
            do throws(DeviceError) {
                unsafe try work(sim, context, stream, &made)
                unsafe try sim.synchronize(stream)
            } catch {
                let known: [DeviceError.Code] = [
                    .timeout, .execution, .needsRebuild, .dataCorrupted, .deviceLost,
                ]
                #expect(known.contains(error.code), "\(error)")
                #expect(error.scope != .call)
            }
            unsafe try sim.end(context, streams: [stream], buffers: made)
        }
        #expect(unsafe try sim.status().memory_free == 16 << 20)
    }
}
