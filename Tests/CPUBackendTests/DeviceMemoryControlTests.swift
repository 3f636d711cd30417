import AcceleratorAPI
import CHengAccelerator
import CPUBackend
import Essentials
import TestSupport
import Testing

@Suite("Block copies, memory in streams and host memory of the CPU device")
struct DeviceMemoryControlTests {
    @Test(arguments: propertySeeds)
    func `a block copy moves what loops over planes, rows and bytes move`(seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        let context = try random.pick(DeviceForm.allCases).open().makeContext()
        let stream = try context.makeStream()
        let (width, rows, planes) = (1 + random.below(9), 1 + random.below(6), 1 + random.below(4))
        func pitches() -> (row: Int, plane: Int) {
            let row = width + random.below(5)
            return (row, row * rows + random.below(7))
        }
        let (from, to) = (pitches(), pitches())
        let (origin, target) = (random.below(10), random.below(10))
        let (fromSize, toSize) = (origin + from.plane * planes, target + to.plane * planes)
        let source = try context.makeBuffer(of: .bytes(fromSize))
        let destination = try context.makeBuffer(of: .bytes(toSize))
        let bytes = (0..<fromSize).map { _ in UInt8(random.below(256)) }
        try unsafe bytes.withUnsafeBytes { bytes in
            try unsafe stream.copy(from: bytes, to: source.view())
            try stream.synchronize()
        }
        try stream.fill(destination.view(), with: 0)

        try stream.copyBlock(
            from: DeviceBlock(source.view(offset: origin), rowPitch: from.row, planePitch: from.plane),
            to: DeviceBlock(destination.view(offset: target), rowPitch: to.row, planePitch: to.plane),
            width: width, rows: rows, planes: planes)

        var expected = [UInt8](repeating: 0, count: toSize)
        for plane in 0..<planes {
            for row in 0..<rows {
                for byte in 0..<width {
                    expected[target + plane * to.plane + row * to.row + byte] =
                        bytes[origin + plane * from.plane + row * from.row + byte]
                }
            }
        }
        var read = [UInt8](repeating: 1, count: toSize)
        try unsafe read.withUnsafeMutableBytes {
            try unsafe stream.copy(from: destination.view(), to: $0)
            try stream.synchronize()
        }
        #expect(read == expected)
    }

    @Test(arguments: DeviceForm.allCases)
    func `a block that leaves its buffer is refused, as are rows that overlap`(form: DeviceForm) throws {
        let context = try form.open().makeContext()
        let stream = try context.makeStream()
        let buffer = try context.makeBuffer(of: .bytes(100))
        let other = try context.makeBuffer(of: .bytes(100))
        func copy(rowPitch: Int, width: Int, rows: Int) -> DeviceError.Code? {
            code {
                try stream.copyBlock(
                    from: DeviceBlock(buffer.view(), rowPitch: rowPitch),
                    to: DeviceBlock(other.view(), rowPitch: rowPitch), width: width, rows: rows)
            }
        }
        #expect(copy(rowPitch: 10, width: 10, rows: 10) == nil)
        #expect(copy(rowPitch: 10, width: 10, rows: 11) == .outOfRange)
        #expect(copy(rowPitch: 11, width: 10, rows: 10) == .outOfRange)
        #expect(copy(rowPitch: .max, width: 10, rows: 10) == .outOfRange)
        #expect(copy(rowPitch: 5, width: 10, rows: 2) == .invalidArgument)
        #expect(copy(rowPitch: 0, width: 0, rows: 1_000_000) == nil)
        try stream.synchronize()
    }

    @Test(arguments: DeviceForm.allCases)
    func `memory that a stream frees comes back when its work is done`(form: DeviceForm) throws {
        let device = try form.open()
        let context = try device.makeContext()
        let stream = try context.makeStream()
        let table = device.table
        var arguments = unsafe heng_buffer_arguments()
        unsafe arguments.header = unsafe StructCrossing.header(
            HENG_KIND_BUFFER_ARGUMENTS, of: heng_buffer_arguments.self)
        unsafe arguments.size = 1 << 16
        unsafe arguments.numa_node = -1
        var buffer: OpaquePointer?
        try unsafe table.call(table.functions.pointee.stream_allocate, "stream_allocate") {
            unsafe $0(stream.handle, &arguments, &buffer, $1)
        }
        let gate = Gate()
        try gate.hold(stream)
        try unsafe table.call(table.functions.pointee.stream_free, "stream_free") {
            unsafe $0(stream.handle, buffer, $1)
        }
        #expect(try context.memory().inUse == .bytes(1 << 16))
        gate.open()
        try stream.synchronize()
        #expect(try context.memory().inUse == .zero)
    }

    @Test(arguments: DeviceForm.allCases)
    func `host memory is freed once, by the context that made it`(form: DeviceForm) throws {
        let device = try form.open()
        let context = try device.makeContext()
        let table = device.table
        var arguments = unsafe heng_buffer_arguments()
        unsafe arguments.header = unsafe StructCrossing.header(
            HENG_KIND_BUFFER_ARGUMENTS, of: heng_buffer_arguments.self)
        unsafe arguments.size = 1000
        unsafe arguments.numa_node = -1
        var address: UnsafeMutableRawPointer?
        try unsafe table.call(table.functions.pointee.host_allocate, "host_allocate") {
            unsafe $0(context.handle, &arguments, &address, $1)
        }
        unsafe address?.storeBytes(of: 5, toByteOffset: 999, as: UInt8.self)
        func free() -> DeviceError.Code? {
            code {
                try unsafe table.call(table.functions.pointee.host_free, "host_free") {
                    unsafe $0(context.handle, address, $1)
                }
            }
        }
        #expect(free() == nil)
        #expect(free() == .free)
    }

    @Test(arguments: DeviceForm.allCases)
    func `a context keeps no more freed memory than it may`(form: DeviceForm) throws {
        let context = try form.open().makeContext()
        do {
            let buffer = try context.makeBuffer(of: .mebibytes(1))
            #expect(buffer.size == .mebibytes(1))
        }
        #expect(try context.memory().reserved == .mebibytes(1))
        try context.keepMemory(atMost: .kibibytes(4))
        #expect(try context.memory().reserved == .zero)
        do {
            let buffer = try context.makeBuffer(of: .mebibytes(1))
            #expect(buffer.size == .mebibytes(1))
        }
        #expect(try context.memory().reserved == .zero)
    }
}
