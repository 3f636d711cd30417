internal import CHengAccelerator

/// Memory of the host for a case, with guard bytes on both sides.
@safe final class HostMemory: @unchecked Sendable {
    // Unchecked: who touches which bytes when is for the case to say.
    private static let guardBytes = 256
    private static let guardValue: UInt8 = 0xA5
    private let base: UnsafeMutableRawPointer
    let size: Int

    /// Room for so many bytes, `offset` bytes off an alignment of 64.
    init(_ size: Int, offset: Int = 0) {
        let whole = size + offset + 2 * Self.guardBytes
        self.size = size
        self.offset = offset
        unsafe base = UnsafeMutableRawPointer.allocate(byteCount: whole, alignment: 64)
        unsafe base.initializeMemory(as: UInt8.self, repeating: Self.guardValue, count: whole)
    }

    private let offset: Int

    convenience init(_ bytes: [UInt8], offset: Int = 0) {
        self.init(bytes.count, offset: offset)
        self.bytes = bytes
    }

    deinit { unsafe base.deallocate() }

    var start: UnsafeMutableRawPointer { unsafe base + Self.guardBytes + offset }

    var bytes: [UInt8] {
        get { unsafe Array(UnsafeRawBufferPointer(start: start, count: size)) }
        set {
            unsafe newValue.withUnsafeBytes { source in
                guard let from = source.baseAddress else { return }
                unsafe start.copyMemory(from: from, byteCount: min(size, source.count))
            }
        }
    }

    /// Whether nobody wrote beside the memory.
    var isWholeAround: Bool {
        let front = unsafe UnsafeRawBufferPointer(start: base, count: Self.guardBytes + offset)
        let back = unsafe UnsafeRawBufferPointer(start: start + size, count: Self.guardBytes)
        return unsafe front.allSatisfy { $0 == Self.guardValue }
            && back.allSatisfy { $0 == Self.guardValue }
    }
}

/// A range of bytes for a copy, a fill or an operator: in a buffer or in memory of the host.
struct Place: Sendable {
    var buffer: Handle?
    var host: HostMemory?
    /// Memory of the host that the maker gave.
    var address: UInt = 0
    var offset = 0
    var size: Int

    static func buffer(_ buffer: Handle, _ offset: Int = 0, size: Int) -> Place {
        Place(buffer: buffer, offset: offset, size: size)
    }

    static func host(_ memory: HostMemory, _ offset: Int = 0, size: Int? = nil) -> Place {
        Place(host: memory, offset: offset, size: size ?? memory.size - offset)
    }

    static func address(_ address: UInt, size: Int) -> Place { Place(address: address, size: size) }

    var range: heng_range {
        unsafe heng_range(
            buffer: buffer?.raw, host: host?.start ?? UnsafeMutableRawPointer(bitPattern: address),
            offset: UInt64(offset), size: UInt64(size))
    }
}
