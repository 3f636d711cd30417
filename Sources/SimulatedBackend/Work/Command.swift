internal import AcceleratorAPI
internal import CHengAccelerator

/// A piece of work in a stream, or a step between pieces.
struct Command {
    var kind: Kind
    /// The table's function that submitted it.
    var function: String
    var correlation: UInt64 = 0
    /// What profile records call it.
    var name: String
    var operatorName: String?
    var node: String?
    /// What it moves and computes, which is what it takes time for.
    var bytes = 0
    var operations = 0
    var faults: [Fault.Action] = []
    /// The device's clock when it was submitted: it cannot begin before.
    var submitted: Int64 = 0

    enum Kind {
        case launch(HostCall)
        case copy(to: MemorySpan, from: MemorySpan)
        case fill(MemorySpan, UInt8)
        case block(to: BlockSpan, from: BlockSpan, BlockSize)
        case operate(SimulatedOperator, inputs: [MemorySpan?], outputs: [MemorySpan?])
        case record(EventRecord)
        case wait(EventRecord, SimulatedEvent)
        case free(SimulatedBuffer)
        case rangeBegin(String)
        case rangeEnd
        case mark(String)
    }

    /// Whether it runs on the device and takes time.
    var isWork: Bool {
        switch kind {
        case .launch, .copy, .fill, .block, .operate: true
        case .record, .wait, .free, .rangeBegin, .rangeEnd, .mark: false
        }
    }

    var isHostFunction: Bool { if case .launch = kind { true } else { false } }

    /// The number of its kind in profile records.
    var recordKind: Int32 {
        let kind =
            switch self.kind {
            case .launch: HENG_RECORD_LAUNCH
            case .copy, .block: HENG_RECORD_COPY
            case .fill: HENG_RECORD_FILL
            case .operate: HENG_RECORD_OPERATOR
            case .record, .wait, .free: HENG_RECORD_WAIT
            case .rangeBegin, .rangeEnd: HENG_RECORD_RANGE
            case .mark: HENG_RECORD_MARK
            }
        return Int32(kind)
    }
}

/// Bytes that work reads or writes, with what keeps them alive.
@safe struct MemorySpan: @unchecked Sendable {
    // Unchecked: whose turn it is to touch the bytes is for streams and events to say.
    let address: UnsafeMutableRawPointer
    let size: Int
    /// Nil for memory of the host.
    let storage: Storage?

    /// Whether both share a byte.
    func overlaps(_ other: MemorySpan) -> Bool {
        let (from, to) = unsafe (UInt(bitPattern: address), UInt(bitPattern: other.address))
        return from < to + UInt(other.size) && to < from + UInt(size)
    }
}

/// A host function with its copy of the arguments.
@safe struct HostCall: @unchecked Sendable {
    // Unchecked: the pointer is to code.
    let function: UInt
    let isFallible: Bool
    let arguments: [UInt8]

    /// Runs it, and returns its code; 0 where it has none.
    func run() -> Int32 {
        let room = UnsafeMutableRawPointer.allocate(byteCount: max(arguments.count, 16), alignment: 16)
        defer { unsafe room.deallocate() }
        unsafe arguments.withUnsafeBytes { bytes in
            if let start = bytes.baseAddress, bytes.count > 0 {
                unsafe room.copyMemory(from: start, byteCount: bytes.count)
            }
        }
        guard isFallible else {
            unsafe unsafeBitCast(function, to: heng_host_function.self)(room)
            return 0
        }
        return unsafe unsafeBitCast(function, to: heng_fallible_host_function.self)(room)
    }
}

/// A block of rows and planes in memory.
struct BlockSpan: Sendable {
    var span: MemorySpan
    var rowPitch: Int
    var planePitch: Int
}

struct BlockSize: Sendable {
    var width: Int
    var height: Int
    var depth: Int
}
