import AcceleratorAPI
import CHengAccelerator
import Essentials
import SimulatedBackend
import Testing

@Suite("Time of simulated devices")
struct TimingTests {
    @Test func `1 MiB at 1 GiB a second after 5 microseconds takes 981563 ns`() throws {
        let sim = try Sim {
            $0.bytesPerSecond = 1 << 30
            $0.launchNanoseconds = 5000
        }
        let context = unsafe try sim.context()
        let stream = unsafe try sim.stream(context)
        let (start, end) = unsafe (try sim.event(context), try sim.event(context))
        let buffer = unsafe try sim.buffer(context, 1 << 20)

        unsafe try sim.record(start, stream)
        unsafe try sim.fill(stream, buffer, 1 << 20)
        unsafe try sim.record(end, stream)
        unsafe try sim.synchronize(event: end)

        // 2^20 / 2^30 s are 976562.5 ns, rounded up.
        #expect(try unsafe sim.nanoseconds(from: start, to: end) == 976_563 + 5000)
        #expect(try sim.clock() == 981_563)
        unsafe try sim.end(context, streams: [stream], events: [start, end], buffers: [buffer])
    }

    @Test func `two streams overlap, and an event joins them`() throws {
        let sim = try Sim()
        let context = unsafe try sim.context()
        let (one, two) = unsafe (try sim.stream(context), try sim.stream(context))
        let event = unsafe try sim.event(context)
        let buffer = unsafe try sim.buffer(context, 10_000)

        unsafe try sim.fill(one, buffer, 4000)
        unsafe try sim.fill(two, buffer, 9000)
        unsafe try sim.synchronize(one)
        #expect(try sim.clock() == 5000)
        unsafe try sim.synchronize(two)
        #expect(try sim.clock() == 10_000)

        unsafe try sim.fill(one, buffer, 2000)
        unsafe try sim.record(event, one)
        unsafe try sim.wait(two, for: event)
        unsafe try sim.fill(two, buffer, 500)
        unsafe try sim.synchronize(two)
        #expect(try sim.clock() == 10_000 + 3000 + 1500)
        unsafe try sim.end(context, streams: [one, two], events: [event], buffers: [buffer])
    }

    @Test func `a look at unfinished work turns the clock to the next end`() throws {
        let sim = try Sim()
        let context = unsafe try sim.context()
        let stream = unsafe try sim.stream(context)
        let event = unsafe try sim.event(context)
        let buffer = unsafe try sim.buffer(context, 100)
        unsafe try sim.fill(stream, buffer, 100)
        unsafe try sim.record(event, stream)
        unsafe try sim.fill(stream, buffer, 100)

        #expect(try unsafe !sim.isDone(stream))
        #expect(try sim.clock() == 1100)
        #expect(try unsafe sim.isDone(event: event))
        #expect(try unsafe !sim.isDone(stream))
        #expect(try sim.clock() == 2200)
        #expect(try unsafe sim.isDone(stream))
        unsafe try sim.end(context, streams: [stream], events: [event], buffers: [buffer])
    }

    @Test func `a timeout passes on the device's clock, and nothing is cancelled`() throws {
        let sim = try Sim { $0.launchNanoseconds = 10_000_000 }
        let context = unsafe try sim.context()
        let stream = unsafe try sim.stream(context)
        let buffer = unsafe try sim.buffer(context, 100)
        unsafe try sim.fill(stream, buffer, 100)

        let early = try failure { () throws(DeviceError) in unsafe try sim.synchronize(stream, 4) }
        #expect(early.code == .timeout && early.scope == .call && early.isRetriable)
        #expect(try sim.clock() == 4_000_000)
        #expect(throws: DeviceError.self) { unsafe try sim.synchronize(stream, 6) }
        #expect(try sim.clock() == 10_000_000)
        unsafe try sim.synchronize(stream, 1)
        #expect(try sim.clock() == 10_000_100)
        let wrong = try failure { () throws(DeviceError) in unsafe try sim.synchronize(stream, -2) }
        #expect(wrong.code == .invalidArgument)
        unsafe try sim.end(context, streams: [stream], buffers: [buffer])
    }

    @Test func `work cannot begin before it was submitted`() throws {
        let sim = try Sim()
        let context = unsafe try sim.context()
        let (one, two) = unsafe (try sim.stream(context), try sim.stream(context))
        let buffer = unsafe try sim.buffer(context, 5000)
        unsafe try sim.fill(one, buffer, 5000)
        unsafe try sim.synchronize(one)
        unsafe try sim.fill(two, buffer, 500)
        unsafe try sim.synchronize(two)
        #expect(try sim.clock() == 6000 + 1500)
        unsafe try sim.end(context, streams: [one, two], buffers: [buffer])
    }

    @Test func `with one lane the pieces of two streams follow each other`() throws {
        let sim = try Sim { $0.lanes = 1 }
        let context = unsafe try sim.context()
        let (one, two) = unsafe (try sim.stream(context), try sim.stream(context))
        let buffer = unsafe try sim.buffer(context, 1000)
        unsafe try sim.fill(one, buffer, 1000)
        unsafe try sim.fill(two, buffer, 1000)
        unsafe try sim.call { unsafe sim.table.device_synchronize(sim.device.handle, $0) }
        #expect(try sim.clock() == 4000)
        unsafe try sim.end(context, streams: [one, two], buffers: [buffer])
    }

    @Test func `slow work takes its factor, and the device is degraded`() throws {
        let sim = try Sim { $0.faults = [Fault(function: "stream_fill", .call(2), .slow(10))] }
        let context = unsafe try sim.context()
        let stream = unsafe try sim.stream(context)
        let buffer = unsafe try sim.buffer(context, 1000)
        unsafe try sim.fill(stream, buffer, 1000)
        unsafe try sim.synchronize(stream)
        #expect(try unsafe sim.status().health == Int32(HENG_HEALTH_GOOD))
        unsafe try sim.fill(stream, buffer, 1000)
        unsafe try sim.synchronize(stream)
        #expect(try sim.clock() == 2000 + 20_000)
        #expect(try unsafe sim.status().health == Int32(HENG_HEALTH_DEGRADED))
        unsafe try sim.end(context, streams: [stream], buffers: [buffer])
    }

    @Test func `energy and utilization follow from the time that work ran`() throws {
        let sim = try Sim {
            $0.watts = 1000
            $0.temperature = 30
        }
        let context = unsafe try sim.context()
        let stream = unsafe try sim.stream(context)
        let buffer = unsafe try sim.buffer(context, 9000)
        unsafe try sim.fill(stream, buffer, 9000)
        unsafe try sim.synchronize(stream)
        let status = unsafe try sim.status()
        // 10 microseconds at 1000 W.
        #expect(unsafe status.energy_joules == 0.01 && status.utilization == 1)
        #expect(unsafe status.temperature_celsius == 30)
        #expect(unsafe status.memory_total == 16 << 20)
        #expect(unsafe (status.contexts, status.streams, status.events, status.buffers) == (1, 1, 0, 1))
        unsafe try sim.end(context, streams: [stream], buffers: [buffer])
    }

    @Test func `in real time work is done only when its time has passed`() throws {
        let sim = try Sim {
            $0.time = .real
            $0.launchNanoseconds = 20_000_000
        }
        let context = unsafe try sim.context()
        let stream = unsafe try sim.stream(context)
        let (start, end) = unsafe (try sim.event(context), try sim.event(context))
        let buffer = unsafe try sim.buffer(context, 10)
        unsafe try sim.record(start, stream)
        unsafe try sim.fill(stream, buffer, 10)
        unsafe try sim.record(end, stream)
        unsafe try sim.synchronize(stream)
        #expect(try unsafe sim.nanoseconds(from: start, to: end) >= 20_000_010)
        #expect(try unsafe sim.read(stream, buffer, 2) == [7, 7])
        unsafe try sim.end(context, streams: [stream], events: [start, end], buffers: [buffer])
    }
}
