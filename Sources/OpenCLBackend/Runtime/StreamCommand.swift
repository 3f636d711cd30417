internal import CHengAccelerator
internal import COpenCL

/// One piece of work of a stream.
@safe enum StreamCommand: @unchecked Sendable {
    // Unchecked: host memory in it is the submitter's to keep alive and alone until the work is done.
    case kernel(KernelLaunch)
    case copy(to: UInt, toOffset: Int, from: UInt, fromOffset: Int, bytes: Int)
    case read(UnsafeMutableRawPointer, from: UInt, offset: Int, bytes: Int)
    case write(UnsafeRawPointer, to: UInt, offset: Int, bytes: Int)
    case block(opencl_block)
    case fill(UInt, offset: Int, bytes: Int, value: UInt8)
    case hostCopy(to: UnsafeMutableRawPointer, from: UnsafeRawPointer, bytes: Int)
    case hostBlock(opencl_block)
    case hostFill(UnsafeMutableRawPointer, bytes: Int, value: UInt8)
    case hostFunction(HostFunction)
    case record(EventRecord, after: EventRecord?)
    case wait(EventRecord)
    case free(OpenCLBuffer)
    case rangeBegin(String)
    case rangeEnd
    case mark(String)

    /// Whether OpenCL takes it as it is, without a thread of ours.
    var isImmediate: Bool {
        switch self {
        case .kernel, .copy, .read, .write, .block, .fill, .free, .rangeBegin, .rangeEnd, .mark: true
        case .hostCopy, .hostBlock, .hostFill, .hostFunction: false
        case .record(_, let before): before?.isIssued ?? true
        case .wait(let record): record.isIssued
        }
    }

    /// Whether a recording can hold it.
    var isRecordable: Bool {
        switch self {
        case .record, .wait, .free: false
        default: true
        }
    }

    /// How the profile names it: HENG_RECORD_..., and a name.
    var profile: (kind: Int32, name: String, bytes: Int) {
        switch self {
        case .kernel(let launch):
            (
                Int32(launch.operatorName == nil ? HENG_RECORD_KERNEL : HENG_RECORD_OPERATOR),
                launch.operatorName ?? launch.kernel.name, 0
            )
        case .copy(_, _, _, _, let bytes), .read(_, _, _, let bytes), .write(_, _, _, let bytes),
            .hostCopy(_, _, let bytes):
            (Int32(HENG_RECORD_COPY), "copy", bytes)
        case .block(let block), .hostBlock(let block):
            unsafe (Int32(HENG_RECORD_COPY), "copy_block", block.width * block.height * block.depth)
        case .fill(_, _, let bytes, _), .hostFill(_, let bytes, _): (Int32(HENG_RECORD_FILL), "fill", bytes)
        case .hostFunction: (Int32(HENG_RECORD_LAUNCH), "launch", 0)
        case .record, .wait, .free: (Int32(HENG_RECORD_WAIT), "wait", 0)
        case .rangeBegin(let name): (Int32(HENG_RECORD_RANGE), name, 0)
        case .rangeEnd: (Int32(HENG_RECORD_RANGE), "", 0)
        case .mark(let name): (Int32(HENG_RECORD_MARK), name, 0)
        }
    }
}

/// A kernel with the arguments that this launch sets; others were set before and stay.
struct KernelLaunch: Sendable {
    var kernel: KernelObject
    var arguments: [(index: Int, value: KernelArgument)]
    var range: opencl_range
    /// The operator whose work it is, for profiles and errors.
    var operatorName: String?
}

/// A function of the host and its own copy of the argument bytes.
@safe final class HostFunction: @unchecked Sendable {
    // Unchecked: written once; the function is called by one thread at a time for each submission.
    private let plain: heng_host_function?
    private let fallible: heng_fallible_host_function?
    private let arguments: UnsafeMutableRawPointer
    private let size: Int

    init(
        plain: heng_host_function?, fallible: heng_fallible_host_function?, _ bytes: UnsafeRawPointer?,
        _ size: Int
    ) {
        unsafe self.plain = plain
        unsafe self.fallible = fallible
        self.size = size
        unsafe arguments = .allocate(byteCount: max(16, size), alignment: 16)
        if let bytes = unsafe bytes, size > 0 { unsafe arguments.copyMemory(from: bytes, byteCount: size) }
    }

    deinit { unsafe arguments.deallocate() }

    /// 0, or the number that the function failed with.
    ///
    /// A recording may run it many times, each with its own copy of the bytes.
    func run() -> Int32 {
        let copy = UnsafeMutableRawPointer.allocate(byteCount: max(16, size), alignment: 16)
        defer { unsafe copy.deallocate() }
        unsafe copy.copyMemory(from: arguments, byteCount: max(16, size))
        if let fallible = unsafe fallible { return unsafe fallible(copy) }
        unsafe plain?(copy)
        return 0
    }
}
