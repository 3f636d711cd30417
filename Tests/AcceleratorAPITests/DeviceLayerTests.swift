import AcceleratorAPI
import CHengAccelerator
import Essentials
import Testing

@Suite("Devices over the C table")
struct DeviceLayerTests {
    @Test func `the null device says that it computes nothing, and holds memory all the same`() throws {
        let device = try nullDevice()
        let context = try device.makeContext()
        let stream = try context.makeStream()
        let buffer = try context.makeBuffer(of: .kibibytes(4))
        let address = unsafe try #require(UnsafeMutablePointer<UInt8>(OpaquePointer(buffer.hostAddress)))
        unsafe address.update(repeating: 9, count: 4096)

        try stream.fill(buffer.view(), with: 0)
        try unsafe stream.launch({ _ in preconditionFailure("the null device ran something") }, with: 0)
        try stream.synchronize(timeout: .zero)

        #expect(device.id == DeviceID(kind: "null", index: 0))
        #expect(unsafe address[0] == 9)
        #expect(try context.memory().inUse == .kibibytes(4))
    }

    @Test func `buffers, events and streams may outlive the context they were made in`() throws {
        func parts() throws -> Parts {
            let context = try nullDevice().makeContext()
            return Parts(
                stream: try context.makeStream(), event: try context.makeEvent(),
                buffer: try context.makeBuffer(of: .bytes(8)))
        }

        let parts = try parts()

        try parts.stream.record(parts.event)
        #expect(try parts.event.isComplete())
        #expect(parts.buffer.size == .bytes(8))
    }

    @Test func `an error crosses the table with its class, scope, numbers and text`() throws {
        let context = try nullDevice().makeContext()
        try context.limitMemory(to: .bytes(100))

        let error = #expect(throws: DeviceError.self) { _ = try context.makeBuffer(of: .bytes(200)) }

        #expect(error?.code == .outOfDeviceMemory)
        #expect(error?.scope == .call)
        #expect(error?.operation == "buffer_allocate")
        #expect(error?.requested == .bytes(200))
        #expect(error?.available == .bytes(100))
        #expect(error?.nextStep != nil)
    }

    @Test func `a virtual device hides what its base has beyond the quota`() throws {
        let device = try VirtualDevice.make(of: nullDevice(), memory: .bytes(1_000))
        let context = try device.makeContext()
        let first = try context.makeBuffer(of: .bytes(600))

        #expect(throws: DeviceError.self) { _ = try context.makeBuffer(of: .bytes(600)) }

        #expect(device.description.memory == .bytes(1_000))
        #expect(try context.memory().limit == .bytes(1_000))
        #expect(first.size == .bytes(600))
    }

    @Test func `a table of another major version is refused, and a shorter one lacks only its tail`() throws {
        let full = unsafe try nullDevice().table.functions.pointee
        var other = unsafe full
        unsafe other.abi_major = 2
        var short = unsafe full
        unsafe short.header.struct_size = UInt32(
            MemoryLayout<heng_accelerator_table>.offset(of: \.event_elapsed) ?? 0)

        let refusal = #expect(throws: DeviceError.self) { _ = try unsafe DeviceTable(copying: &other) }
        let table = try unsafe DeviceTable(copying: &short)

        #expect(refusal?.code == .version)
        #expect(unsafe table.functions.pointee.event_query != nil)
        #expect(unsafe table.functions.pointee.event_elapsed == nil)
        let missing = #expect(throws: DeviceError.self) {
            try unsafe table.call(table.functions.pointee.event_elapsed, "event_elapsed") { _, _ in 0 }
        }
        #expect(missing?.code == .unsupported)
    }

    @Test func `a struct is filled only as far as its caller's size goes`() {
        var small = unsafe heng_memory_info()
        unsafe small.header = unsafe StructCrossing.header(HENG_KIND_MEMORY_INFO, of: heng_memory_info.self)
        unsafe small.header.struct_size = 24
        unsafe small.high_water = 77
        var full = unsafe heng_memory_info()
        unsafe full.in_use = 1
        unsafe full.high_water = 2

        #expect(unsafe StructCrossing.fill(&small, with: full))

        #expect(unsafe small.in_use == 1)
        #expect(unsafe small.high_water == 77)
        #expect(unsafe small.header.struct_size == 24)
    }

    @Test func `an extension that must be understood is found behind others`() {
        var last = unsafe heng_header(struct_size: 16, struct_kind: HENG_KIND_MUST_UNDERSTAND | 99, next: nil)
        unsafe withUnsafePointer(to: &last) { last in
            var middle = unsafe heng_header(struct_size: 16, struct_kind: 50, next: last)
            unsafe withUnsafePointer(to: &middle) { middle in
                let first = unsafe heng_header(struct_size: 16, struct_kind: 1, next: middle)

                #expect(
                    unsafe StructCrossing.unknownMandatory(after: first) == HENG_KIND_MUST_UNDERSTAND | 99)
                #expect(
                    unsafe StructCrossing.unknownMandatory(
                        after: first, known: [HENG_KIND_MUST_UNDERSTAND | 99])
                        == nil)
            }
        }
    }
}

private struct Parts: ~Copyable {
    let stream: DeviceStream
    let event: DeviceEvent
    let buffer: DeviceBuffer
}
