import AcceleratorAPI
import CPUBackend
import Essentials
import Glibc
import Synchronization
import Testing

/// The forms in which the CPU device reaches people; every promise is tested on each.
enum DeviceForm: String, CaseIterable, Sendable, CustomTestStringConvertible {
    case plain
    case checked
    case virtual
    case checkedVirtual

    var testDescription: String { rawValue }

    func open() throws -> Device {
        let base = try #require(
            try DeviceRegistry.shared.devices(of: CPUDevices.backend, checked: false).first)
        switch self {
        case .plain: return base
        case .checked: return try CheckingLayer.wrap(base)
        case .virtual: return try VirtualDevice.make(of: base, memory: .mebibytes(256))
        case .checkedVirtual:
            return try CheckingLayer.wrap(VirtualDevice.make(of: base, memory: .mebibytes(256)))
        }
    }
}

/// A door in a stream: the stream waits at it until the test opens it.
@safe final class Gate: @unchecked Sendable {
    private let word = UnsafeMutablePointer<Atomic<Int>>.allocate(capacity: 1)

    init() { unsafe word.initialize(to: Atomic(0)) }
    deinit { unsafe word.deallocate() }

    func open() { unsafe word.pointee.store(1, ordering: .releasing) }

    func hold(_ stream: borrowing DeviceStream, correlation: UInt64 = 0) throws(DeviceError) {
        try unsafe stream.launch(
            { argument in
                let raw = unsafe argument.load(as: UInt.self)
                guard let word = unsafe UnsafeMutablePointer<Atomic<Int>>(bitPattern: raw) else { return }
                while unsafe word.pointee.load(ordering: .acquiring) == 0 { sched_yield() }
            }, with: UInt(bitPattern: word), correlation: correlation)
    }
}

/// Plain memory that launched functions write: no atomics, so that a missing order shows.
@safe final class Cells: @unchecked Sendable {
    private let cells: UnsafeMutablePointer<UInt64>
    let count: Int

    init(_ count: Int) {
        self.count = count
        unsafe cells = UnsafeMutablePointer<UInt64>.allocate(capacity: count)
        unsafe cells.initialize(repeating: 1, count: count)
    }
    deinit { unsafe cells.deallocate() }

    var values: [UInt64] { (0..<count).map { unsafe cells[$0] } }

    private struct Step: BitwiseCopyable {
        var cell: UInt
        var value: UInt64
    }

    static func next(_ old: UInt64, _ value: UInt64) -> UInt64 { old &* 6_364_136_223_846_793_005 &+ value }

    /// Enqueues `cell = next(cell, value)`, whose result depends on the order of all steps of the cell.
    func step(_ cell: Int, _ value: UInt64, on stream: borrowing DeviceStream) throws(DeviceError) {
        let step = Step(cell: UInt(bitPattern: unsafe cells + cell), value: value)
        try unsafe stream.launch(
            { argument in
                let step = unsafe argument.load(as: Step.self)
                guard let cell = unsafe UnsafeMutablePointer<UInt64>(bitPattern: step.cell) else { return }
                unsafe cell.pointee = Cells.next(cell.pointee, step.value)
            }, with: step)
    }
}

/// Runs a body on so many threads of the system's at once, and returns when all have ended.
func onThreads(_ count: Int, _ body: @escaping @Sendable (Int) -> Void) {
    final class Start {
        let index: Int
        let body: @Sendable (Int) -> Void
        init(_ index: Int, _ body: @escaping @Sendable (Int) -> Void) {
            self.index = index
            self.body = body
        }
    }
    let threads = (0..<count).map { index -> pthread_t in
        var thread: pthread_t = 0
        let start = unsafe Unmanaged.passRetained(Start(index, body)).toOpaque()
        let status = unsafe pthread_create(
            &thread, nil,
            { raw in
                guard let raw = unsafe raw else { return nil }
                let start = unsafe Unmanaged<Start>.fromOpaque(raw).takeRetainedValue()
                start.body(start.index)
                return nil
            }, start)
        precondition(status == 0, "a test needs a thread")
        return thread
    }
    for thread in threads { pthread_join(thread, nil) }
}

/// The code of the error that a body throws, or nil when it throws none.
func code(_ body: () throws -> Void) -> DeviceError.Code? {
    do {
        try body()
        return nil
    } catch { return (error as? DeviceError)?.code }
}
