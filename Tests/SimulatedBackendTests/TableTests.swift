import AcceleratorAPI
import CHengAccelerator
import Essentials
import SimulatedBackend
import Testing

@Suite("The table of simulated devices")
struct TableTests {
    private let root = #filePath.split(separator: "/").dropLast(3).map { "/\($0)" }.joined()

    @Test func `no function of the header is missing`() throws {
        let sim = try Sim()
        let first = unsafe MemoryLayout.offset(of: \heng_accelerator_table.initialize) ?? 0
        unsafe withUnsafeBytes(of: sim.table) { bytes in
            for offset in stride(from: first, to: bytes.count, by: MemoryLayout<UInt>.size) {
                #expect(unsafe bytes.load(fromByteOffset: offset, as: UInt.self) != 0, "at \(offset)")
            }
        }
    }

    /// In a process of its own, since whoever lists devices elsewhere starts the backend for good.
    @Test func `the backend starts with a configuration, once, and ends when nothing lives`() async {
        await #expect(processExitsWith: .success) { try TableTests.checkLife() }
    }

    private static func checkLife() throws {
        let root = #filePath.split(separator: "/").dropLast(3).map { "/\($0)" }.joined()
        let table = try unsafe #require(SimulatedDevices.backend.getter(HENG_ACCELERATOR_MAJOR)).pointee
        func status(_ body: (ErrorPlace) -> Int32) -> Int32 {
            var error: OpaquePointer?
            defer { unsafe table.error_destroy(error) }
            return unsafe body(&error)
        }
        func code(_ code: DeviceError.Code) -> Int32 { code.rawValue }
        func initialize(_ path: String, major: UInt32 = HENG_ACCELERATOR_MAJOR) -> Int32 {
            unsafe path.withCString { path in
                var arguments = unsafe heng_initialize_arguments()
                unsafe arguments.header = Sim.header(
                    HENG_KIND_INITIALIZE_ARGUMENTS, heng_initialize_arguments.self)
                unsafe arguments.abi_major = major
                unsafe arguments.configuration_path = unsafe path
                return unsafe status { unsafe table.initialize(&arguments, $0) }
            }
        }
        var count: UInt32 = 9
        #expect(unsafe SimulatedDevices.backend.getter(2) == nil)
        #expect(unsafe status { unsafe table.device_count(&count, $0) } == code(.notInitialized))
        #expect(initialize("/nowhere.json") == code(.file))
        #expect(initialize(root + "/Config/simdev/example.json", major: 7) == code(.version))
        #expect(initialize(root + "/Config/simdev/example.json") == 0)
        #expect(initialize(root + "/Config/simdev/example.json") == code(.repeatedInitialize))
        #expect(unsafe status { unsafe table.device_count(&count, $0) } == 0 && count == 2)
        var (device, again, context): (OpaquePointer?, OpaquePointer?, OpaquePointer?) = (nil, nil, nil)
        #expect(unsafe status { unsafe table.device_get(1, &device, $0) } == 0)
        #expect(unsafe status { unsafe table.device_get(1, &again, $0) } == 0)
        #expect(unsafe device == again)
        #expect(unsafe status { unsafe table.device_get(2, &again, $0) } == code(.invalidDeviceIndex))
        #expect(unsafe status { unsafe table.context_create(device, &context, $0) } == 0)
        #expect(unsafe status { unsafe table.finalize($0) } == code(.notReleased))
        #expect(unsafe status { unsafe table.context_destroy(context, $0) } == 0)
        #expect(unsafe status { unsafe table.finalize($0) } == 0)
        #expect(unsafe status { unsafe table.finalize($0) } == code(.repeatedFinalize))
        #expect(unsafe status { unsafe table.context_create(device, &context, $0) } == code(.invalidHandle))
        #expect(initialize(root + "/Config/simdev/example.json") == 0)
        #expect(unsafe status { unsafe table.finalize($0) } == 0)
    }

    @Test func `handles that are null, invented, of another kind or destroyed are told apart`() throws {
        let sim = try Sim()
        let context = unsafe try sim.context()
        let event = unsafe try sim.event(context)
        try unsafe sim.call { unsafe sim.table.event_destroy(event, $0) }
        let wrong: [(OpaquePointer?, String)] = unsafe [
            (nil, "is null"), (OpaquePointer(bitPattern: 16), "was never made"), (event, "destroyed already"),
            (context, "is one for a context"),
        ]
        for index in unsafe wrong.indices {
            let (handle, text) = unsafe wrong[index]
            let error = try failure { () throws(DeviceError) in
                unsafe try sim.synchronize(event: handle)
            }
            #expect(error.code == .invalidHandle && error.text.contains(text), "\(error.text)")
        }
        unsafe try sim.end(context)
    }

    @Test func `wrong arguments are refused before anything happens`() throws {
        let sim = try Sim { $0.copyAlignment = 4 }
        let (other, foreign) = (try Sim(), try Sim())
        let context = unsafe try sim.context()
        let stream = unsafe try sim.stream(context)
        let buffer = unsafe try sim.buffer(context, 100)
        let far = unsafe try foreign.context()
        let farBuffer = unsafe try foreign.buffer(far, 100)
        func code(_ to: heng_range, _ from: heng_range, _ bytes: UInt64) throws -> DeviceError.Code {
            let (to, from) = unsafe (to, from)
            return try failure { () throws(DeviceError) in
                unsafe try sim.copy(stream, to: to, from: from, bytes)
            }.code
        }
        let near = unsafe Sim.range(buffer, 50)
        #expect(try unsafe code(near, Sim.range(buffer, 50, offset: 48), 50) == .invalidArgument)
        #expect(try unsafe code(near, Sim.range(buffer, 51, offset: 52), 40) == .outOfRange)
        #expect(try unsafe code(near, Sim.range(buffer, 2, offset: .max), 1) == .outOfRange)
        #expect(try unsafe code(near, Sim.range(buffer, 40, offset: 52), 41) == .outOfRange)
        #expect(try unsafe code(near, Sim.range(buffer, 40, offset: 54), 40) == .alignment)
        #expect(try unsafe code(near, Sim.range(farBuffer, 50), 50) == .wrongOwner)
        #expect(
            try unsafe code(near, heng_range(buffer: nil, host: nil, offset: 0, size: 9), 9)
                == .invalidArgument)
        #expect(try unsafe code(near, Sim.range(context, 50), 50) == .invalidHandle)
        unsafe try sim.copy(stream, to: near, from: near, 0)

        var arguments = unsafe Sim.bytes(0)
        var made: OpaquePointer?
        func allocate() throws -> DeviceError.Code {
            try failure { () throws(DeviceError) in
                try unsafe sim.call { unsafe sim.table.buffer_allocate(context, &arguments, &made, $0) }
            }.code
        }
        #expect(try allocate() == .invalidArgument)
        unsafe arguments.header.struct_size = 0
        #expect(try allocate() == .version)
        unsafe arguments = unsafe Sim.bytes(10)
        unsafe arguments.header.struct_kind = 1
        #expect(try allocate() == .invalidArgument)
        #expect(unsafe made == nil)
        let unrecorded = unsafe try sim.event(context)
        #expect(
            try failure { () throws(DeviceError) in unsafe try sim.synchronize(event: unrecorded) }.code
                == .eventNotRecorded)
        unsafe try foreign.end(far, buffers: [farBuffer])
        unsafe try sim.end(context, streams: [stream], events: [unrecorded], buffers: [buffer])
        _ = other
    }

    @Test func `blocks are copied row by row, and must lie in their ranges`() throws {
        let sim = try Sim()
        let context = unsafe try sim.context()
        let stream = unsafe try sim.stream(context)
        let (from, to) = unsafe (try sim.buffer(context, 24), try sim.buffer(context, 8))
        unsafe try sim.fill(stream, to, 8, value: 0)
        unsafe try sim.fill(stream, from, 24, value: 1)
        var row = unsafe Sim.range(from, 2, offset: 4)
        try unsafe sim.call { unsafe sim.table.stream_fill(stream, &row, 5, 2, 0, $0) }
        func copy(_ size: UInt64) throws(DeviceError) {
            var target = unsafe heng_block(range: Sim.range(to, 8), row_pitch: 2, plane_pitch: 4)
            var source = unsafe heng_block(range: Sim.range(from, size), row_pitch: 4, plane_pitch: 12)
            try unsafe sim.call {
                unsafe sim.table.stream_copy_block(stream, &target, &source, 2, 2, 2, 0, $0)
            }
        }
        try copy(24)
        #expect(try unsafe sim.read(stream, to, 8) == [1, 1, 5, 5, 1, 1, 1, 1])
        // The last byte is number 12 + 4 + 2.
        try copy(18)
        #expect(try failure { () throws(DeviceError) in try copy(17) }.code == .outOfRange)
        unsafe try sim.end(context, streams: [stream], buffers: [from, to])
    }
}
