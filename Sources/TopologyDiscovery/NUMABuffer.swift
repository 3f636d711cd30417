package import Essentials
internal import Glibc

/// Memory of this process that is placed by a policy: zeroed, on page boundaries, given back by its owner's end.
///
/// Nothing is on any node until it is touched, unless `isTouched` asks for it.
@safe package struct NUMABuffer: ~Copyable, @unchecked Sendable {
    /// The first byte; valid while the buffer lives.
    package let base: UnsafeMutableRawPointer
    /// What was asked for; the pages behind it may hold a little more.
    package let size: ByteCount
    private let mappedLength: Int

    /// Where the kernel can use huge pages, buffers from this size on start at one.
    package static let hugePageSize = 2 << 20

    /// Reserves memory.
    ///
    /// `size` must be positive.
    ///
    /// `wantsHugePages` is advice for large buffers that are read at random; the kernel may not follow it.
    package init(
        size: ByteCount, policy: MemoryPolicy, wantsHugePages: Bool = false, isTouched: Bool = false
    ) throws(BindingError) {
        precondition(size.bytes > 0, "a buffer has a size")
        let aligns = wantsHugePages && size.bytes >= Self.hugePageSize
        let alignment = aligns ? Self.hugePageSize : PagePlacement.pageSize
        let length = size.roundedUp(to: alignment).bytes
        let base = try unsafe Self.map(length, alignment: alignment)
        do {
            let range = unsafe UnsafeRawBufferPointer(start: base, count: length)
            if policy != .firstTouch { try unsafe Binding.bindMemory(range, to: policy) }
        } catch {
            unsafe munmap(base, length)
            throw error
        }
        // Advice: a kernel without huge pages answers EINVAL, and the buffer is as good without.
        if aligns { _ = unsafe madvise(base, length, MADV_HUGEPAGE) }
        unsafe self.base = base
        self.size = size
        mappedLength = length
        if isTouched { touch() }
    }

    deinit { unsafe munmap(base, mappedLength) }

    /// All bytes of the buffer.
    package var bytes: UnsafeMutableRawBufferPointer {
        unsafe UnsafeMutableRawBufferPointer(start: base, count: size.bytes)
    }

    /// Where its pages lie now.
    package func placement() throws(BindingError) -> PagePlacement {
        try unsafe PagePlacement(of: UnsafeRawBufferPointer(bytes))
    }

    /// Writes one byte of each page, so that the kernel places it.
    private func touch() {
        for offset in stride(from: 0, to: mappedLength, by: PagePlacement.pageSize) {
            unsafe base.storeBytes(of: 0, toByteOffset: offset, as: UInt8.self)
        }
    }

    /// Maps `length` bytes that start at a multiple of `alignment`, by mapping more and giving back the ends.
    private static func map(_ length: Int, alignment: Int) throws(BindingError) -> UnsafeMutableRawPointer {
        let extra = alignment > PagePlacement.pageSize ? alignment : 0
        let mapped = unsafe mmap(
            nil, length + extra, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0)
        guard let mapped = unsafe mapped, unsafe mapped != MAP_FAILED else {
            throw BindingError(attempt: "map \(ByteCount(bytes: length)) of memory", code: errno)
        }
        let start = unsafe mapped.alignedUp(toMultipleOf: alignment)
        let before = unsafe start - mapped
        if before > 0 { unsafe munmap(mapped, before) }
        if extra > before { unsafe munmap(start + length, extra - before) }
        return unsafe start
    }
}
