import AcceleratorAPI
import CHengAccelerator
import Essentials
import SimulatedBackend
import Testing

@Suite("Faults of simulated devices")
struct FaultTests {
    @Test func `the n-th call fails with the class and words of the script, and the next works`() throws {
        let sim = try Sim {
            $0.faults = [Fault(function: "buffer_allocate", .call(2), .fail(.outOfDeviceMemory, .call))]
        }
        let context = unsafe try sim.context()
        let first = unsafe try sim.buffer(context, 10)
        let error = try failure { () throws(DeviceError) in _ = unsafe try sim.buffer(context, 10) }
        #expect(error.code == .outOfDeviceMemory && error.scope == .call && error.isRetriable)
        #expect(error.operation == "buffer_allocate")
        #expect(unsafe try sim.memory(context).in_use == 256)
        let second = unsafe try sim.buffer(context, 10)
        unsafe try sim.end(context, buffers: [first, second])
    }

    @Test func `a hang is ended by the limit of work time, which names the work`() throws {
        let sim = try Sim { $0.faults = [Fault(function: "stream_fill", correlation: 9, .always, .hang)] }
        let context = unsafe try sim.context()
        let stream = unsafe try sim.stream(context, work: 50)
        let event = unsafe try sim.event(context)
        let buffer = unsafe try sim.buffer(context, 1000)
        unsafe try sim.fill(stream, buffer, 1000, correlation: 8)
        unsafe try sim.fill(stream, buffer, 1000, correlation: 9)
        unsafe try sim.record(event, stream)

        let early = try failure { () throws(DeviceError) in unsafe try sim.synchronize(stream, 49) }
        #expect(early.code == .timeout && early.scope == .call)
        let error = try failure { () throws(DeviceError) in unsafe try sim.synchronize(stream) }
        #expect(error.code == .timeout && error.scope == .stream && error.correlation == 9)
        #expect(error.text.contains("50 ms"))
        #expect(try sim.clock() == 2000 + 50_000_000)
        let behind = try failure { () throws(DeviceError) in unsafe try sim.synchronize(event: event) }
        #expect(behind == error)
        unsafe try sim.end(context, streams: [stream], events: [event], buffers: [buffer])
    }

    @Test func `a hang without a limit times out for who waits, and ends by abort`() throws {
        let sim = try Sim { $0.faults = [Fault(function: "stream_fill", correlation: 3, .always, .hang)] }
        let context = unsafe try sim.context()
        let stream = unsafe try sim.stream(context)
        let (before, behind) = unsafe (try sim.event(context), try sim.event(context))
        let buffer = unsafe try sim.buffer(context, 100)
        unsafe try sim.fill(stream, buffer, 100, value: 1)
        unsafe try sim.record(before, stream)
        unsafe try sim.fill(stream, buffer, 100, value: 2, correlation: 3)
        unsafe try sim.record(behind, stream)

        for _ in 0..<3 {
            let error = try failure { () throws(DeviceError) in unsafe try sim.synchronize(stream, 1000) }
            #expect(error.code == .timeout && error.scope == .call)
        }
        #expect(try sim.clock() == 3_000_000_000)
        unsafe try sim.synchronize(event: before)
        #expect(try unsafe !sim.isDone(event: behind))

        unsafe try sim.abort(stream)
        let error = try failure { () throws(DeviceError) in unsafe try sim.synchronize(stream) }
        #expect(error.code == .cancelled && error.scope == .stream && error.correlation == 3)
        #expect(try unsafe sim.isDone(event: behind))
        let dropped = try failure { () throws(DeviceError) in unsafe try sim.synchronize(event: behind) }
        #expect(dropped.code == .cancelled)
        let refused = try failure { () throws(DeviceError) in unsafe try sim.fill(stream, buffer, 100) }
        #expect(refused.code == .cancelled)

        // Another stream of the context goes on, and the hanging work has not written.
        let other = unsafe try sim.stream(context)
        #expect(try unsafe sim.read(other, buffer, 3) == [1, 1, 1])
        unsafe try sim.end(
            context, streams: [stream, other], events: [before, behind], buffers: [buffer])
    }

    @Test func `a late error is taken at submission and told by those who wait`() throws {
        let sim = try Sim {
            $0.faults = [Fault(function: "stream_fill", .call(1), .lateError(.execution, .stream))]
        }
        let context = unsafe try sim.context()
        let (stream, other) = unsafe (try sim.stream(context), try sim.stream(context))
        let event = unsafe try sim.event(context)
        let buffer = unsafe try sim.buffer(context, 100)
        unsafe try sim.fill(stream, buffer, 100, correlation: 5)
        unsafe try sim.record(event, stream)
        unsafe try sim.wait(other, for: event)

        let error = try failure { () throws(DeviceError) in unsafe try sim.synchronize(stream) }
        #expect(error.code == .execution && error.scope == .stream && error.correlation == 5)
        #expect(error.operation == "stream_fill")
        let second = try failure { () throws(DeviceError) in unsafe try sim.synchronize(stream) }
        #expect(second == error)
        // The stream that waited for the event fails too.
        let spread = try failure { () throws(DeviceError) in unsafe try sim.synchronize(other) }
        #expect(spread.code == .execution && spread.correlation == 5)
        unsafe try sim.end(context, streams: [stream, other], events: [event], buffers: [buffer])
    }

    @Test func `a wrong result is one flipped bit in the place of the script`() throws {
        let sim = try Sim {
            $0.faults = [Fault(function: "stream_fill", .call(2), .wrongResult(.flip(byte: 5, bit: 3)))]
        }
        let context = unsafe try sim.context()
        let stream = unsafe try sim.stream(context)
        let buffer = unsafe try sim.buffer(context, 8)
        unsafe try sim.fill(stream, buffer, 8, value: 0)
        #expect(try unsafe sim.read(stream, buffer, 8) == [0, 0, 0, 0, 0, 0, 0, 0])
        unsafe try sim.fill(stream, buffer, 8, value: 0)
        #expect(try unsafe sim.read(stream, buffer, 8) == [0, 0, 0, 0, 0, 8, 0, 0])
        unsafe try sim.fill(stream, buffer, 8, value: 0)
        #expect(try unsafe sim.read(stream, buffer, 8) == [0, 0, 0, 0, 0, 0, 0, 0])
        unsafe try sim.end(context, streams: [stream], buffers: [buffer])
    }

    @Test func `memory that cannot be repaired breaks the context, and counts`() throws {
        let sim = try Sim {
            $0.faults = [
                Fault(function: "stream_fill", correlation: 1, .always, .repairMemory),
                Fault(function: "stream_fill", correlation: 2, .always, .corruptMemory),
            ]
        }
        let context = unsafe try sim.context()
        let (stream, other) = unsafe (try sim.stream(context), try sim.stream(context))
        let buffer = unsafe try sim.buffer(context, 8)
        unsafe try sim.fill(stream, buffer, 8, correlation: 1)
        unsafe try sim.synchronize(stream)
        #expect(unsafe try sim.status().corrected_errors == 1)
        #expect(try unsafe sim.status().health == Int32(HENG_HEALTH_DEGRADED))

        unsafe try sim.fill(stream, buffer, 8, correlation: 2)
        let error = try failure { () throws(DeviceError) in unsafe try sim.synchronize(stream) }
        #expect(error.code == .dataCorrupted && error.scope == .context && error.correlation == 2)
        let refused = try failure { () throws(DeviceError) in unsafe try sim.fill(other, buffer, 8) }
        #expect(refused.code == .needsRebuild && refused.correlation == 2)
        let status = unsafe try sim.status()
        #expect(unsafe status.uncorrected_errors == 1 && status.health == Int32(HENG_HEALTH_BROKEN))
        #expect(unsafe status.last_error == DeviceError.Code.dataCorrupted.rawValue)
        unsafe try sim.end(context, streams: [stream, other], buffers: [buffer])
    }

    @Test func `what leaks stays in the account`() throws {
        let sim = try Sim {
            $0.streamLimit = 2
            $0.faults = [
                Fault(function: "buffer_free", .call(1), .leak),
                Fault(function: "stream_destroy", .call(1), .leak),
                Fault(function: "event_destroy", .call(1), .leak),
            ]
        }
        let context = unsafe try sim.context()
        let buffer = unsafe try sim.buffer(context, 1000)
        unsafe try sim.call { unsafe sim.table.buffer_free(buffer, $0) }
        #expect(unsafe try sim.memory(context).in_use == 1024)
        let event = unsafe try sim.event(context)
        unsafe try sim.call { unsafe sim.table.event_destroy(event, $0) }
        #expect(unsafe try sim.status().events == 1)
        let stream = unsafe try sim.stream(context)
        unsafe try sim.call { unsafe sim.table.stream_destroy(stream, $0) }
        let second = unsafe try sim.stream(context)
        let error = try failure { () throws(DeviceError) in _ = unsafe try sim.stream(context) }
        #expect(error.code == .outOfStreams)
        unsafe try sim.call { unsafe sim.table.stream_destroy(second, $0) }
        let owned = try failure { () throws(DeviceError) in unsafe try sim.end(context) }
        #expect(owned.code == .notReleased && owned.text.contains("1 buffer"))
    }

    @Test func `each k-th call and calls drawn by chance repeat for the same seed`() throws {
        func failing(_ occurrence: Fault.Occurrence) throws -> [Int] {
            let sim = try Sim {
                $0.faults = [Fault(function: "event_create", occurrence, .fail(.outOfEvents, .call))]
            }
            let context = unsafe try sim.context()
            var failed: [Int] = []
            for number in 1...100 {
                do throws(DeviceError) {
                    let event = unsafe try sim.event(context)
                    unsafe try sim.call { unsafe sim.table.event_destroy(event, $0) }
                } catch { failed.append(number) }
            }
            unsafe try sim.end(context)
            return failed
        }
        #expect(try failing(.every(30)) == [30, 60, 90])
        let drawn = try failing(.random(probability: 0.2, seed: 4))
        #expect(try failing(.random(probability: 0.2, seed: 4)) == drawn)
        #expect((10...30).contains(drawn.count))
        #expect(try failing(.random(probability: 0, seed: 4)).isEmpty)
        #expect(try failing(.random(probability: 1, seed: 4)).count == 100)
    }

    @Test func `a program adds faults while it runs, through the table's procedures`() throws {
        let sim = try Sim()
        let context = unsafe try sim.context()
        typealias Add = @convention(c) (OpaquePointer?, UnsafePointer<CChar>?, ErrorPlace?) -> Int32
        typealias Clear = @convention(c) (OpaquePointer?, ErrorPlace?) -> Int32
        func find(_ name: String) throws(DeviceError) -> (@convention(c) () -> Void)? {
            var found: (@convention(c) () -> Void)?
            try unsafe sim.call { unsafe sim.table.procedure(name, &found, $0) }
            return found
        }
        let add = unsafe unsafeBitCast(try #require(try find("heng_simdev_add_fault_1")), to: Add.self)
        let clear = unsafe unsafeBitCast(try #require(try find("heng_simdev_clear_faults_1")), to: Clear.self)
        let text = "{\"at\": {\"function\": \"event_create\"}, \"do\": \"fail\", \"code\": \"OUT_OF_EVENTS\"}"
        try unsafe sim.call { unsafe add(sim.device.handle, text, $0) }
        let error = try failure { () throws(DeviceError) in _ = unsafe try sim.event(context) }
        #expect(error.code == .outOfEvents)
        try unsafe sim.call { unsafe clear(sim.device.handle, $0) }
        let event = unsafe try sim.event(context)
        let wrong = try failure { () throws(DeviceError) in
            try unsafe sim.call { unsafe add(sim.device.handle, "{\"at\": 5}", $0) }
        }
        #expect(wrong.code == .fileParse)
        let unknown = try failure { () throws(DeviceError) in _ = try find("heng_simdev_fly_1") }
        #expect(unknown.code == .unsupported)
        unsafe try sim.end(context, events: [event])
    }
}
