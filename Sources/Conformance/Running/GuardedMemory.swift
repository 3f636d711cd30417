internal import AcceleratorAPI
internal import Essentials

#if canImport(Glibc)
internal import Glibc
#endif

/// Device memory for one operand between two pages that nobody may touch, off the usual alignment.
///
/// The operand ends right before the second page, or one element before it where it would otherwise be aligned; the
/// bytes around it up to the pages hold a pattern, so that writes which touch no page are found too.
@safe final class GuardedMemory {
    let view: DeviceBufferView
    private let buffer: DeviceBuffer
    private let room: UnsafeMutableRawBufferPointer
    private let used: Range<Int>

    private static let pattern: UInt8 = 0xA5
    private static let pageSize = Int(sysconf(Int32(_SC_PAGESIZE)))

    /// `step` is the size of an element, or the alignment that the bytes must have.
    init(size: Int, step: Int, aligned: Bool, in context: borrowing DeviceContext) throws {
        let page = Self.pageSize
        let pages = (size + step + page) / page
        let buffer = try context.makeBuffer(of: .bytes((pages + 3) * page), pages: .normal)
        guard let address = unsafe buffer.view().hostAddress else {
            throw Failure("The memory of \(context.device.id) cannot be guarded: the host does not reach it.")
        }
        // Pages need not begin where the buffer does.
        let front = (page - Int(bitPattern: address) % page) % page + page
        let end = pages * page
        var start = (end - size) / step * step
        // Pages are aligned to 64 bytes, so an offset tells whether the address is.
        if !aligned, start % 64 == 0 { start -= step }
        used = start..<start + size
        view = buffer.view(offset: front + start, size: size)
        unsafe room = unsafe UnsafeMutableRawBufferPointer(start: address + front, count: end)
        unsafe room.initializeMemory(as: UInt8.self, repeating: Self.pattern)
        self.buffer = buffer
        protectGuards(PROT_NONE)
    }

    deinit {
        // The device gives the same pages out again.
        protectGuards(PROT_READ | PROT_WRITE)
    }

    /// The pages right before and behind the room.
    private func protectGuards(_ protection: Int32) {
        guard let start = unsafe room.baseAddress else { return }
        unsafe mprotect(start - Self.pageSize, Self.pageSize, protection)
        unsafe mprotect(start + room.count, Self.pageSize, protection)
    }

    var bytes: UnsafeMutableRawBufferPointer { unsafe UnsafeMutableRawBufferPointer(rebasing: room[used]) }

    /// Whether nobody wrote beside the operand.
    var isWholeAround: Bool {
        let (before, behind) = unsafe (room[..<used.lowerBound], room[used.upperBound...])
        return unsafe before.allSatisfy { $0 == Self.pattern } && behind.allSatisfy { $0 == Self.pattern }
    }
}
