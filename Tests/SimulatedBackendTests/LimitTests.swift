import AcceleratorAPI
import CHengAccelerator
import Essentials
import SimulatedBackend
import Testing

@Suite("Limits and memory of simulated devices")
struct LimitTests {
    @Test func `each limit names the resource, how many there are, and who holds them`() throws {
        let sim = try Sim {
            $0.streamLimit = 3
            $0.eventLimit = 2
            $0.contextLimit = 2
            $0.bufferLimit = 1
        }
        let description = unsafe try describe(sim)
        #expect(unsafe (description.stream_limit, description.event_limit) == (3, 2))
        #expect(unsafe description.context_limit == 2 && description.simulated == 1)
        let (one, two) = unsafe (try sim.context(), try sim.context())
        let context = try failure { () throws(DeviceError) in _ = unsafe try sim.context() }
        #expect(context.code == .outOfResources && context.text.contains("2 contexts"))

        let streams = unsafe [try sim.stream(one), try sim.stream(one)]
        let other = unsafe try sim.stream(two)
        let stream = try failure { () throws(DeviceError) in _ = unsafe try sim.stream(two) }
        #expect(stream.code == .outOfStreams && stream.isRetriable)
        #expect(
            stream.text.contains("3 streams") && stream.text.contains("context 1 holds 2, context 2 holds 1"))
        let events = unsafe [try sim.event(one), try sim.event(one)]
        let event = try failure { () throws(DeviceError) in _ = unsafe try sim.event(two) }
        #expect(event.code == .outOfEvents && event.text.contains("context 1 holds 2"))
        let buffer = unsafe try sim.buffer(two, 10)
        let second = try failure { () throws(DeviceError) in _ = unsafe try sim.buffer(one, 10) }
        #expect(second.code == .outOfResources && second.text.contains("context 2 holds 1"))

        unsafe try sim.end(one, streams: streams, events: events)
        unsafe try sim.end(two, streams: [other], buffers: [buffer])
    }

    private func describe(_ sim: Sim) throws -> heng_device_description {
        var description = unsafe heng_device_description()
        unsafe description.header = Sim.header(
            HENG_KIND_DEVICE_DESCRIPTION, heng_device_description.self)
        try unsafe sim.call { unsafe sim.table.device_describe(sim.device.handle, &description, $0) }
        return unsafe description
    }

    @Test func `memory runs out by name and number, over all contexts`() throws {
        let sim = try Sim { $0.memory = .mebibytes(4) }
        let (one, two) = unsafe (try sim.context(), try sim.context())
        let held = unsafe try sim.buffer(one, 3 << 20)
        let error = try failure { () throws(DeviceError) in _ = unsafe try sim.buffer(two, 2 << 20) }
        #expect(error.code == .outOfDeviceMemory && error.isRetriable)
        #expect(error.requested == .mebibytes(2) && error.available == .mebibytes(1))
        #expect(error.text.contains("context 1 holds 3 MiB in 1 buffers"))
        let huge = try failure { () throws(DeviceError) in _ = unsafe try sim.buffer(two, .max) }
        #expect(huge.code == .outOfDeviceMemory)
        // Kept memory goes before an allocation fails.
        try unsafe sim.call { unsafe sim.table.buffer_free(held, $0) }
        #expect(unsafe try sim.memory(one).reserved == 3 << 20)
        let fits = unsafe try sim.buffer(two, 2 << 20)
        #expect(unsafe try sim.memory(one).reserved == 0)
        unsafe try sim.end(one)
        unsafe try sim.end(two, buffers: [fits])
    }

    @Test func `the pool counts use, peak, reuse and what is kept`() throws {
        let sim = try Sim()
        let context = unsafe try sim.context()
        var buffer = unsafe try sim.buffer(context, 1000)
        try unsafe sim.call { unsafe sim.table.buffer_free(buffer, $0) }
        unsafe buffer = unsafe try sim.buffer(context, 900)
        var info = unsafe try sim.memory(context)
        #expect(unsafe (info.in_use, info.high_water, info.reserved, info.reuses) == (1024, 1024, 1024, 1))
        let other = unsafe try sim.buffer(context, 5000)
        try unsafe sim.call { unsafe sim.table.buffer_free(other, $0) }
        unsafe info = unsafe try sim.memory(context)
        #expect(unsafe (info.in_use, info.high_water, info.reserved) == (1024, 6144, 6144))
        var released: UInt64 = 0
        try unsafe sim.call { unsafe sim.table.context_trim_memory(context, &released, $0) }
        #expect(released == 5120)
        try unsafe sim.call { unsafe sim.table.context_keep_memory(context, 0, $0) }
        try unsafe sim.call { unsafe sim.table.buffer_free(buffer, $0) }
        #expect(unsafe try sim.memory(context).reserved == 0)

        try unsafe sim.call { unsafe sim.table.context_limit_memory(context, 2048, $0) }
        unsafe buffer = unsafe try sim.buffer(context, 1500)
        let error = try failure { () throws(DeviceError) in _ = unsafe try sim.buffer(context, 600) }
        #expect(error.code == .outOfDeviceMemory && error.available == .bytes(512))
        unsafe try sim.end(context, buffers: [buffer])
    }

    @Test func `memory made in a stream is given back when the stream comes there`() throws {
        let sim = try Sim { $0.faults = [Fault(function: "stream_fill", .call(1), .hang)] }
        let context = unsafe try sim.context()
        let stream = unsafe try sim.stream(context)
        var arguments = unsafe Sim.bytes(1000)
        var buffer: OpaquePointer?
        try unsafe sim.call { unsafe sim.table.stream_allocate(stream, &arguments, &buffer, $0) }
        unsafe try sim.fill(stream, buffer, 1000)
        try unsafe sim.call { unsafe sim.table.stream_free(stream, buffer, $0) }
        #expect(unsafe try sim.memory(context).in_use == 1024)
        let gone = try failure { () throws(DeviceError) in unsafe try sim.fill(stream, buffer, 10) }
        #expect(gone.code == .invalidHandle && gone.text.contains("destroyed already"))
        unsafe try sim.abort(stream)
        #expect(unsafe try sim.memory(context).in_use == 0)
        unsafe try sim.end(context, streams: [stream])
    }

    @Test func `host memory belongs to its context, and is freed once`() throws {
        let sim = try Sim()
        let (context, other) = unsafe (try sim.context(), try sim.context())
        var arguments = unsafe Sim.bytes(100)
        var address: UnsafeMutableRawPointer?
        try unsafe sim.call { unsafe sim.table.host_allocate(context, &arguments, &address, $0) }
        unsafe address?.storeBytes(of: 5, as: UInt8.self)
        let foreign = try failure { () throws(DeviceError) in
            try unsafe sim.call { unsafe sim.table.host_free(other, address, $0) }
        }
        #expect(foreign.code == .free)
        let owned = try failure { () throws(DeviceError) in unsafe try sim.end(context) }
        #expect(owned.text.contains("1 block of host memory"))
        try unsafe sim.call { unsafe sim.table.host_free(context, address, $0) }
        let twice = try failure { () throws(DeviceError) in
            try unsafe sim.call { unsafe sim.table.host_free(context, address, $0) }
        }
        #expect(twice.code == .free)
        unsafe try sim.end(context)
        unsafe try sim.end(other)
    }

    @Test func `a part of a device has its units and memory, and takes both from the whole`() throws {
        let sim = try Sim { $0.computeUnits = 4 }
        func part(_ units: UInt32, _ memory: UInt64) throws(DeviceError) -> OpaquePointer? {
            var arguments = unsafe heng_partition_arguments()
            unsafe arguments.header = Sim.header(
                HENG_KIND_PARTITION_ARGUMENTS, heng_partition_arguments.self)
            unsafe arguments.compute_units = units
            unsafe arguments.memory_bytes = memory
            var made: OpaquePointer?
            try unsafe sim.call {
                unsafe sim.table.device_partition(sim.device.handle, &arguments, &made, $0)
            }
            return unsafe made
        }
        let handle = unsafe try part(3, 1 << 20)
        let many = try failure { () throws(DeviceError) in _ = unsafe try part(2, 0) }
        #expect(many.code == .outOfResources && many.text.contains("other parts hold 3"))
        #expect(try failure { () throws(DeviceError) in _ = unsafe try part(0, 0) }.code == .invalidArgument)

        let device = try unsafe Device(
            table: sim.device.table, handle: try #require(handle), index: 1)
        #expect(device.description.computeUnits == 3 && device.description.memory == .mebibytes(1))
        #expect(device.description.isSimulated && device.description.uuid != sim.device.description.uuid)
        do {
            let context = try device.makeContext()
            let buffer = try context.makeBuffer(of: .mebibytes(1))
            #expect(throws: DeviceError.self) { _ = try context.makeBuffer(of: .bytes(1)) }
            #expect(unsafe try sim.status().memory_free == 15 << 20)
            let living = try failure { () throws(DeviceError) in
                try unsafe sim.call { unsafe sim.table.device_release(handle, $0) }
            }
            #expect(living.code == .notReleased)
            _ = consume buffer
            _ = consume context
        }
        try unsafe sim.call { unsafe sim.table.device_release(handle, $0) }
        let again = unsafe try part(4, 0)
        try unsafe sim.call { unsafe sim.table.device_release(again, $0) }
        #expect(unsafe try sim.status().memory_free == 16 << 20)
    }

    @Test func `what the settings leave out is unsupported`() throws {
        let sim = try Sim { $0.without = [.abort, .rebuild, .partition, .copyBlocks] }
        #expect(!sim.device.description.capabilities.contains(.abort))
        #expect(sim.device.description.capabilities.contains(.reset))
        #expect(!sim.device.description.capabilities.contains(.addressBuffers))
        let context = unsafe try sim.context()
        let stream = unsafe try sim.stream(context)
        #expect(try failure { () throws(DeviceError) in unsafe try sim.abort(stream) }.code == .unsupported)
        #expect(
            try failure { () throws(DeviceError) in unsafe try sim.rebuild(context) }.code == .unsupported)
        unsafe try sim.end(context, streams: [stream])
    }
}
