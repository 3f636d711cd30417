import AcceleratorAPI
import CHengAccelerator
import ComputeGraph
import Essentials
import Glibc
import KernelInterface
import SimulatedBackend
import Synchronization
import TestSupport
import Testing

/// The forms in which a simulated device reaches people.
private enum Form: String, CaseIterable, CustomTestStringConvertible {
    case plain, checked, virtual, checkedVirtual

    var testDescription: String { rawValue }

    func wrap(_ base: Device) throws -> Device {
        switch self {
        case .plain: base
        case .checked: try CheckingLayer.wrap(base)
        case .virtual: try VirtualDevice.make(of: base, memory: .mebibytes(8))
        case .checkedVirtual: try CheckingLayer.wrap(VirtualDevice.make(of: base, memory: .mebibytes(8)))
        }
    }
}

@Suite("Simulated devices under our layers")
struct LayerTests {
    @Test(arguments: Form.allCases)
    private func `bytes go there and back, and errors keep their cause`(form: Form) throws {
        var settings = SimulatedSettings()
        settings.memory = .mebibytes(16)
        settings.faults = [
            Fault(function: "stream_copy", correlation: 8, .always, .lateError(.execution, .stream))
        ]
        let device = try form.wrap(SimulatedDevices.device(settings))
        #expect(device.description.isSimulated && device.id == DeviceID(kind: "simdev", index: 0))
        let context = try device.makeContext()
        let stream = try context.makeStream()
        let buffer = try context.makeBuffer(of: .kibibytes(4))
        let data = (0..<4096).map { UInt8(truncatingIfNeeded: $0 &* 7) }
        var back = [UInt8](repeating: 0, count: 4096)
        try unsafe data.withUnsafeBytes { bytes in
            unsafe try stream.copy(from: bytes, to: buffer.view())
            try stream.synchronize()
        }
        try unsafe back.withUnsafeMutableBytes { bytes in
            unsafe try stream.copy(from: buffer.view(), to: bytes)
            try stream.synchronize()
        }
        #expect(back == data)
        try unsafe back.withUnsafeMutableBytes { bytes in
            unsafe try stream.copy(from: buffer.view(), to: bytes, correlation: 8)
            let error = #expect(throws: DeviceError.self) { try stream.synchronize() }
            #expect(error?.code == .execution && error?.correlation == 8)
        }
        let large = #expect(throws: DeviceError.self) { _ = try context.makeBuffer(of: .mebibytes(20)) }
        #expect(large?.code == .outOfDeviceMemory)
    }

    @Test(arguments: Form.allCases)
    private func `the operators group gives the kernels of every form`(form: Form) throws {
        let device = try form.wrap(SimulatedDevices.device())
        let kernels = TableKernels(try #require(try OperatorGroup(of: device)))
        let node = NodeSignature(
            operator: Add(), inputs: [.float32(3), .float32(3)], outputs: [.float32(3)])
        let kernel = try #require(kernels.choose(for: node).kernel)
        let prepared = try kernel.prepare(node, constants: [:], on: device)
        let context = try device.makeContext()
        let stream = try context.makeStream()
        let buffer = try context.makeBuffer(of: .bytes(1024))
        var values: [Float] = [1, 2, 3]
        try unsafe values.withUnsafeMutableBytes { bytes in
            unsafe try stream.copy(from: UnsafeRawBufferPointer(bytes), to: buffer.view(size: 12))
            try prepared.enqueue(
                inputs: [buffer.view(size: 12), buffer.view(size: 12)],
                outputs: [buffer.view(offset: 256, size: 12)], workspace: nil, on: stream, correlation: 0)
            unsafe try stream.copy(from: buffer.view(offset: 256, size: 12), to: bytes)
            try stream.synchronize()
        }
        #expect(values == [2, 4, 6])
    }

    @Test(arguments: Form.allCases)
    private func `recordings run and profiles tell of it under every form`(form: Form) throws {
        let context = try form.wrap(SimulatedDevices.device()).makeContext()
        let stream = try context.makeStream()
        let buffer = try context.makeBuffer(of: .bytes(64))
        let recording = try DeviceRecording(of: stream) { stream in
            try stream.fill(buffer.view(), with: 1)
            try stream.fill(buffer.view(), with: 2)
        }
        try context.startProfile(capacity: 16)
        try recording.submit(to: stream, correlation: 5)
        try stream.synchronize()
        let (records, dropped) = try context.readProfile(atMost: 16)
        try context.stopProfile()

        #expect(try recording.count() == 2)
        #expect(records.map(\.kind) == [.fill, .fill] && records.allSatisfy { $0.correlation == 5 })
        #expect(dropped == 0)
    }

    @Test func `a share withholds what would touch others, and the checking layer passes it`() throws {
        let base = try SimulatedDevices.device()
        let share = try VirtualDevice.make(of: base)
        let checked = try CheckingLayer.wrap(base)
        let table = unsafe checked.table.functions.pointee
        var arguments = unsafe heng_partition_arguments()
        unsafe arguments.header = unsafe StructCrossing.header(
            HENG_KIND_PARTITION_ARGUMENTS, of: heng_partition_arguments.self)
        unsafe arguments.compute_units = 1
        var (part, context): (OpaquePointer?, OpaquePointer?) = (nil, nil)

        #expect(share.description.capabilities.isDisjoint(with: [.reset, .partition]))
        #expect(checked.description.capabilities.isSuperset(of: [.reset, .partition]))
        #expect(unsafe table.device_partition?(checked.handle, &arguments, &part, nil) == 0)
        #expect(unsafe table.context_create?(part, &context, nil) == 0)
        let early = unsafe table.device_release?(part, nil)
        #expect(early == Int32(HENG_ERROR_NOT_RELEASED))
        #expect(unsafe table.context_destroy?(context, nil) == 0)
        #expect(unsafe table.device_release?(part, nil) == 0)
        let invalid = Int32(HENG_ERROR_INVALID_DEVICE)
        #expect(unsafe table.device_release?(part, nil) == invalid)
        #expect(unsafe table.device_release?(checked.handle, nil) == invalid)
        #expect(unsafe table.context_create?(part, &context, nil) == invalid)
    }

    @Test func `who waits for ever for a hang is told when another thread aborts it`() throws {
        let sim = try Sim { $0.faults = [Fault(function: "stream_fill", .call(1), .hang)] }
        let context = unsafe try sim.context()
        let stream = unsafe try sim.stream(context)
        let buffer = unsafe try sim.buffer(context, 100)
        unsafe try sim.fill(stream, buffer, 100, correlation: 12)
        let outcome = Outcome()
        let number = UInt(bitPattern: stream)
        try startThread {
            do throws(DeviceError) {
                unsafe try sim.synchronize(OpaquePointer(bitPattern: number))
                outcome.store(nil)
            } catch { outcome.store(error) }
        }
        unsafe try sim.abort(stream)
        let error = outcome.wait()
        #expect(error?.code == .cancelled && error?.correlation == 12)
        unsafe try sim.end(context, streams: [stream], buffers: [buffer])
    }

    @Test func `threads that submit at once to streams of their own get all their work done`() throws {
        let sim = try Sim()
        let context = unsafe try sim.context()
        let outcomes = (0..<4).map { _ in Outcome() }
        let number = UInt(bitPattern: context)
        for outcome in outcomes {
            try startThread {
                do throws(DeviceError) {
                    unsafe try LayerTests.work(sim, OpaquePointer(bitPattern: number))
                    outcome.store(nil)
                } catch { outcome.store(error) }
            }
        }
        for outcome in outcomes { #expect(outcome.wait() == nil) }
        #expect(unsafe try sim.memory(context).in_use == 0)
        unsafe try sim.end(context)
    }

    private static func work(_ sim: Sim, _ context: Sim.Handle) throws(DeviceError) {
        let stream = unsafe try sim.stream(context)
        let event = unsafe try sim.event(context)
        for round in 1...50 {
            let buffer = unsafe try sim.buffer(context, 100)
            unsafe try sim.fill(stream, buffer, 100, value: UInt8(round))
            unsafe try sim.record(event, stream)
            unsafe try sim.synchronize(event: event)
            let bytes = unsafe try sim.read(stream, buffer, 100)
            guard bytes.allSatisfy({ $0 == UInt8(round) }) else {
                throw DeviceError(.general, operation: "read", text: "The bytes of round \(round) are wrong.")
            }
            try unsafe sim.call { unsafe sim.table.buffer_free(buffer, $0) }
        }
        try unsafe sim.call { unsafe sim.table.event_destroy(event, $0) }
        try unsafe sim.call { unsafe sim.table.stream_destroy(stream, $0) }
    }
}

/// How a thread's work ended; the other thread waits for it.
private final class Outcome: Sendable {
    private let state = Mutex<DeviceError??>(nil)

    func store(_ error: DeviceError?) { state.withLock { $0 = .some(error) } }

    func wait() -> DeviceError? {
        while true {
            if let outcome = state.withLock({ $0 }) { return outcome }
            sched_yield()
        }
    }
}
