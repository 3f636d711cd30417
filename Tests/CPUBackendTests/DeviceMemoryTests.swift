import AcceleratorAPI
import CPUBackend
import Essentials
import TestSupport
import Testing
import TopologyDiscovery

@Suite("Memory of the CPU device")
struct DeviceMemoryTests {
    @Test(arguments: propertySeeds)
    func `copies and fills leave what the same steps leave in an array`(seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        let context = try random.pick(DeviceForm.allCases).open().makeContext()
        let stream = try context.makeStream()
        let size = 1 + random.below(10_000)
        let one = try context.makeBuffer(of: .bytes(size))
        let other = try context.makeBuffer(of: .bytes(size))
        var model = ([UInt8](repeating: 0, count: size), [UInt8](repeating: 0, count: size))
        try stream.fill(one.view(), with: 0)
        try stream.fill(other.view(), with: 0)

        for _ in 0..<50 {
            let length = random.below(size + 1)
            let from = random.below(size - length + 1)
            let to = random.below(size - length + 1)
            if random.below(3) == 0 {
                let value = UInt8(random.below(256))
                try stream.fill(one.view(offset: to, size: length), with: value)
                for index in to..<to + length { model.0[index] = value }
            } else {
                try stream.copy(
                    from: one.view(offset: from, size: length), to: other.view(offset: to, size: length))
                for index in 0..<length { model.1[to + index] = model.0[from + index] }
            }
        }

        var read = ([UInt8](repeating: 1, count: size), [UInt8](repeating: 1, count: size))
        try unsafe read.0.withUnsafeMutableBytes {
            try unsafe stream.copy(from: one.view(), to: $0)
            try stream.synchronize()
        }
        try unsafe read.1.withUnsafeMutableBytes {
            try unsafe stream.copy(from: other.view(), to: $0)
            try stream.synchronize()
        }
        #expect(read.0 == model.0)
        #expect(read.1 == model.1)
    }

    @Test(arguments: DeviceForm.allCases)
    func `a copy beyond the capacity is refused and copies nothing`(form: DeviceForm) throws {
        let context = try form.open().makeContext()
        let stream = try context.makeStream()
        let large = try context.makeBuffer(of: .bytes(128))
        let small = try context.makeBuffer(of: .bytes(64))
        try stream.fill(small.view(), with: 5)
        try stream.fill(large.view(), with: 6)

        #expect(code { try stream.copy(from: large.view(), to: small.view()) } == .outOfRange)
        try stream.synchronize()

        let bytes = unsafe hostAddress(of: small).assumingMemoryBound(to: UInt8.self)
        #expect((0..<64).allSatisfy { unsafe bytes[$0] == 5 })
    }

    @Test func `buffers start on a cache line, and large ones on a page`() throws {
        let context = try DeviceForm.plain.open().makeContext()
        for size in [1, 63, 64, 65, 1000, 4095, 4096, 4097, 100_000, 8 << 20] {
            let buffer = try context.makeBuffer(of: .bytes(size))
            let address = UInt(bitPattern: unsafe buffer.hostAddress)
            #expect(address % (size < 4096 ? 64 : 4096) == 0)
        }
    }

    @Test(arguments: propertySeeds)
    func `no two living buffers share a byte, and the account adds up`(seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        let context = try DeviceForm.plain.open().makeContext()
        var living: [Int: HeldBuffer] = [:]

        for step in 0..<200 {
            if random.below(3) > 0 || living.isEmpty {
                let size = random.below(2) == 0 ? 1 + random.below(300) : 1 + random.below(300_000)
                living[step] = HeldBuffer(try context.makeBuffer(of: .bytes(size)))
            } else {
                living.removeValue(forKey: random.pick(living.keys.sorted()))
            }
            let ranges = living.values.map(\.range).sorted { $0.lowerBound < $1.lowerBound }
            #expect(zip(ranges, ranges.dropFirst()).allSatisfy { $0.upperBound <= $1.lowerBound })
            let account = try context.memory()
            let asked = ranges.reduce(0) { $0 + $1.count }
            #expect(account.inUse.bytes >= asked)
            #expect(account.highWater >= account.inUse)
            #expect(account.reserved >= account.inUse)
        }
        living.removeAll()

        try context.trimMemory()
        let account = try context.memory()
        #expect(account.inUse == .zero)
        #expect(account.reserved == .zero)
    }

    @Test func `a freed block serves the next request of its size, and the high-water mark stays`() throws {
        let context = try DeviceForm.plain.open().makeContext()
        let size = ByteCount.mebibytes(3)
        var addresses: [UInt] = []

        for _ in 0..<3 {
            let buffer = try context.makeBuffer(of: size)
            addresses.append(UInt(bitPattern: unsafe buffer.hostAddress))
        }

        let account = try context.memory()
        #expect(Set(addresses).count == 1)
        #expect(account.reuses == 2)
        #expect(account.inUse == .zero)
        #expect(account.highWater == size)
        #expect(account.reserved == size)
        #expect(try context.trimMemory() == size)
        #expect(try context.memory().highWater == size)
    }

    @Test(arguments: DeviceForm.allCases)
    func `a limit refuses with numbers, and the same request fits once something is freed`(form: DeviceForm)
        throws
    {
        let context = try form.open().makeContext()
        try context.limitMemory(to: .mebibytes(4))
        do {
            let held = try context.makeBuffer(of: .mebibytes(3))
            let error = #expect(throws: DeviceError.self) { _ = try context.makeBuffer(of: .mebibytes(2)) }

            #expect(error?.code == .outOfDeviceMemory)
            #expect(error?.requested == .mebibytes(2))
            #expect(error?.available == .mebibytes(1))
            #expect(error?.isRetriable == true)
            #expect(held.size == .mebibytes(3))
        }

        let buffer = try context.makeBuffer(of: .mebibytes(2))
        #expect(buffer.size == .mebibytes(2))
    }

    @Test func `more than the device has is refused before the system is asked`() throws {
        let device = try DeviceForm.plain.open()
        let context = try device.makeContext()
        let all = try #require(device.description.memory)

        let error = #expect(throws: DeviceError.self) { _ = try context.makeBuffer(of: all + .gibibytes(1)) }

        #expect(error?.code == .outOfDeviceMemory)
        #expect(code { _ = try context.makeBuffer(of: .zero) } == .invalidArgument)
    }

    @Test func `a virtual device's quota holds over all its contexts`() throws {
        let device = try DeviceForm.virtual.open()
        let one = try device.makeContext()
        let other = try device.makeContext()
        let held = try one.makeBuffer(of: .mebibytes(200))

        let error = #expect(throws: DeviceError.self) { _ = try other.makeBuffer(of: .mebibytes(100)) }

        #expect(device.description.memory == .mebibytes(256))
        #expect(error?.available == .mebibytes(56))
        #expect(held.size == .mebibytes(200))
    }

    @Test func `a virtual device runs on its share of the CPUs, rounded up to whole ones`() throws {
        let base = try DeviceForm.plain.open()
        let all = try #require(base.description.cpus)
        let device = try VirtualDevice.make(of: base, computeShare: 0.01)

        #expect(device.description.cpus == CPUSet(all.units.prefix(1)))
        #expect(device.description.computeUnits == 1)
        #expect(code { _ = try VirtualDevice.make(of: base, computeShare: 1.5) } == .invalidArgument)
        #expect(
            code { _ = try VirtualDevice.make(of: base, memory: .gibibytes(1 << 20)) } == .invalidArgument)
        #expect(code { _ = try VirtualDevice.make(of: base, cpus: CPUSet([5_000])) } == .invalidArgument)
    }

    @Test func `touched pages lie on the device's node, as the kernel says`() throws {
        let device = try DeviceForm.plain.open()
        let node = try #require(device.description.numaNode)
        let context = try device.makeContext()
        let stream = try context.makeStream()
        let buffer = try context.makeBuffer(of: .mebibytes(6))

        try stream.fill(buffer.view(), with: 1)
        try stream.synchronize()

        let bytes = unsafe UnsafeRawBufferPointer(start: hostAddress(of: buffer), count: 6 << 20)
        let placement = try unsafe PagePlacement(of: bytes)
        #expect(placement.pagesOnNode == [node: (6 << 20) / PagePlacement.pageSize])
    }
}

/// A buffer in a dictionary.
private final class HeldBuffer {
    let buffer: DeviceBuffer
    init(_ buffer: consuming DeviceBuffer) { self.buffer = buffer }

    var range: Range<UInt> {
        let start = UInt(bitPattern: unsafe buffer.hostAddress)
        return start..<start + UInt(buffer.size.bytes)
    }
}

private func hostAddress(of buffer: borrowing DeviceBuffer) -> UnsafeMutableRawPointer {
    guard let address = unsafe buffer.hostAddress else { preconditionFailure("a CPU buffer has an address") }
    return unsafe address
}
