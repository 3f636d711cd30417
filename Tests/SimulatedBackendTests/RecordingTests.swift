import AcceleratorAPI
import CHengAccelerator
import Essentials
import SimulatedBackend
import Testing

@Suite("Recordings and profiles of simulated devices")
struct RecordingTests {
    private func recordings(_ sim: Sim) throws -> heng_recording_table {
        let found = try unsafe #require(sim.device.table.group(HENG_KIND_RECORDING_TABLE))
        return unsafe UnsafeRawPointer(found).assumingMemoryBound(to: heng_recording_table.self).pointee
    }

    private func profiling(_ sim: Sim) throws -> heng_profile_table {
        let found = try unsafe #require(sim.device.table.group(HENG_KIND_PROFILE_TABLE))
        return unsafe UnsafeRawPointer(found).assumingMemoryBound(to: heng_profile_table.self).pointee
    }

    @Test func `work is kept, counted, and run as often as it is submitted`() throws {
        let sim = try Sim { $0.faults = [Fault(function: "stream_fill", .call(5), .hang)] }
        let table = unsafe try recordings(sim)
        let context = unsafe try sim.context()
        let (stream, other) = unsafe (try sim.stream(context), try sim.stream(context))
        let (event, buffer) = unsafe (try sim.event(context), try sim.buffer(context, 100))
        unsafe try sim.fill(stream, buffer, 100, value: 1)
        unsafe try sim.synchronize(stream)
        let before = try sim.clock()

        try unsafe sim.call { unsafe table.recording_begin(stream, $0) }
        unsafe try sim.fill(stream, buffer, 100, value: 2)
        unsafe try sim.fill(stream, buffer, 50, value: 3)
        func isMisuse(_ body: () throws(DeviceError) -> Void) throws {
            #expect(try failure(body).code == .misuse)
        }
        try isMisuse { () throws(DeviceError) in unsafe try sim.synchronize(stream) }
        try isMisuse { () throws(DeviceError) in unsafe try sim.record(event, stream) }
        try isMisuse { () throws(DeviceError) in
            try unsafe sim.call { unsafe table.recording_begin(stream, $0) }
        }
        var recording: OpaquePointer?
        try unsafe sim.call { unsafe table.recording_end(stream, &recording, $0) }
        var count: UInt64 = 0
        try unsafe sim.call { unsafe table.recording_count(recording, &count, $0) }
        #expect(count == 2)
        #expect(try unsafe sim.read(other, buffer, 2) == [1, 1])
        let read = try sim.clock()

        try unsafe sim.call { unsafe table.recording_submit(recording, stream, 55, $0) }
        // The first is the fourth fill that the script counts, and the second the fifth, which hangs.
        #expect(throws: DeviceError.self) { unsafe try sim.synchronize(stream, 10) }
        unsafe try sim.abort(stream)
        let error = try failure { () throws(DeviceError) in unsafe try sim.synchronize(stream) }
        #expect(error.correlation == 55)
        try unsafe sim.call { unsafe table.recording_submit(recording, other, 0, $0) }
        #expect(try unsafe sim.read(other, buffer, 60)[48..<52] == [3, 3, 2, 2])
        #expect(read > before)
        let owned = try failure { () throws(DeviceError) in
            unsafe try sim.end(context, streams: [stream, other], events: [event], buffers: [buffer])
        }
        #expect(owned.text.contains("1 recording"))
        try unsafe sim.call { unsafe table.recording_destroy(recording, $0) }
        unsafe try sim.end(context)
    }

    @Test func `records name the work by correlation, kind, bytes and time`() throws {
        let sim = try Sim()
        let table = unsafe try profiling(sim)
        let context = unsafe try sim.context()
        let (stream, other) = unsafe (try sim.stream(context), try sim.stream(context))
        let (event, buffer) = unsafe (try sim.event(context), try sim.buffer(context, 1000))
        try unsafe start(sim, table, context, 100)

        try unsafe sim.call { unsafe table.range_begin(stream, "step", 70, $0) }
        unsafe try sim.fill(stream, buffer, 1000, correlation: 1)
        unsafe try sim.copy(
            stream, to: Sim.range(buffer, 500), from: Sim.range(buffer, 500, offset: 500), 500, correlation: 2
        )
        try unsafe sim.call { unsafe table.range_end(stream, $0) }
        unsafe try sim.record(event, stream)
        unsafe try sim.wait(other, for: event)
        try unsafe sim.call { unsafe table.mark(other, "here", 4, $0) }
        #expect(try unsafe read(sim, table, context).records.isEmpty)
        unsafe try sim.synchronize(other)

        let (records, dropped) = try unsafe read(sim, table, context)
        let origin = try #require(records.first?.begin)
        #expect(dropped == 0)
        let seen = records.map { record in
            "\(record.name) \(record.correlation) \(record.kind) \(record.bytes) "
                + "\(record.begin - origin) \(record.end - origin)"
        }
        #expect(
            seen == [
                "fill 1 \(HENG_RECORD_FILL) 1000 0 2000", "step 70 \(HENG_RECORD_RANGE) 0 0 3500",
                "wait 0 \(HENG_RECORD_WAIT) 0 0 3500", "copy 2 \(HENG_RECORD_COPY) 500 2000 3500",
                "here 4 \(HENG_RECORD_MARK) 0 3500 3500",
            ])
        #expect(Set(records.map(\.stream)).count == 2)
        let unmatched = try failure { () throws(DeviceError) in
            try unsafe sim.call { unsafe table.range_end(stream, $0) }
        }
        #expect(unmatched.code == .misuse)
        try unsafe sim.call { unsafe table.profile_stop(context, $0) }
        #expect(throws: DeviceError.self) { try unsafe read(sim, table, context) }
        unsafe try sim.end(context, streams: [stream, other], events: [event], buffers: [buffer])
    }

    @Test func `records beyond the capacity are dropped and counted`() throws {
        let sim = try Sim()
        let table = unsafe try profiling(sim)
        let context = unsafe try sim.context()
        let stream = unsafe try sim.stream(context)
        let buffer = unsafe try sim.buffer(context, 10)
        try unsafe start(sim, table, context, 3)
        #expect(throws: DeviceError.self) { try unsafe start(sim, table, context, 3) }
        for number in 1...5 { unsafe try sim.fill(stream, buffer, 10, correlation: UInt64(number)) }
        unsafe try sim.synchronize(stream)
        let first = try unsafe read(sim, table, context)
        #expect(first.records.map(\.correlation) == [1, 2, 3] && first.dropped == 2)
        #expect(try unsafe read(sim, table, context).dropped == 0)
        unsafe try sim.end(context, streams: [stream], buffers: [buffer])
    }

    private func start(
        _ sim: Sim, _ table: heng_profile_table, _ context: Sim.Handle, _ capacity: UInt64
    ) throws(DeviceError) {
        var arguments = unsafe heng_profile_arguments()
        unsafe arguments.header = Sim.header(HENG_KIND_PROFILE_ARGUMENTS, heng_profile_arguments.self)
        unsafe arguments.capacity = capacity
        try unsafe sim.call { unsafe table.profile_start(context, &arguments, $0) }
    }

    private struct Record {
        var name: String
        var correlation: UInt64
        var stream: UInt64
        var kind: Int32
        var bytes: UInt64
        var begin: Int64
        var end: Int64
    }

    private func read(
        _ sim: Sim, _ table: heng_profile_table, _ context: Sim.Handle
    ) throws(DeviceError) -> (records: [Record], dropped: UInt64) {
        var raw = [heng_profile_record](repeating: heng_profile_record(), count: 10)
        var (count, dropped): (UInt64, UInt64) = (0, 0)
        try unsafe sim.call { unsafe table.profile_read(context, &raw, 10, &count, &dropped, $0) }
        let records = raw.prefix(Int(count)).map { record in
            let name = unsafe withUnsafeBytes(of: record.name) {
                unsafe String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self)
            }
            return Record(
                name: name, correlation: record.correlation, stream: record.stream, kind: record.kind,
                bytes: record.bytes, begin: record.begin, end: record.end)
        }
        return (records, dropped)
    }
}
