// Blocks of memory for buffers, by size class, kept for reuse.
//
// A request is rounded up to a class: steps of an eighth of the power of two below it, at least 64 bytes, so at
// most an eighth is lost. Classes of a page or more are mappings of their own. Smaller ones are cut from slabs, so
// that small buffers do not take a page each. A freed block goes to its class's list; `trim` unmaps whatever is
// wholly free.

internal import AcceleratorAPI
internal import CLinux
internal import Essentials
internal import Synchronization

#if canImport(Glibc)
internal import Glibc
#endif

/// A block as the pool hands it out.
@safe struct MemoryBlock: @unchecked Sendable {
    // Unchecked: an address is only a number here; who may touch the bytes is the buffer owner's business.
    let address: UnsafeMutableRawPointer
    /// The class's size: what the account says the block takes.
    let size: Int
    let place: Place
    /// The slab it was cut from.
    let slab: Int?

    /// What makes blocks of one size interchangeable or not.
    struct Place: Hashable, Sendable {
        var node: Int?
        var pages: PagePolicy
    }
}

/// The pool of one context.
final class MemoryPool: Sendable {
    private let state = Mutex(State())
    private let device: CPUDevice

    init(device: CPUDevice) { self.device = device }

    deinit {
        _ = trim()
        precondition(account.reserved == .zero, "a context's pool ends while buffers live")
    }

    var account: MemoryAccount { state.withLock { $0.account } }

    func limit(to bytes: UInt64) { state.withLock { $0.account.limit(to: bytes) } }

    /// A block of at least so many bytes, 64-byte aligned, page aligned from a page on.
    func allocate(_ size: Int, place: MemoryBlock.Place) throws(DeviceError) -> MemoryBlock {
        let rounded = MemoryPool.classSize(size)
        let outcome = state.withLock { state -> Result<MemoryBlock, DeviceError> in
            do throws(DeviceError) { return .success(try self.allocate(rounded, place, &state)) } catch {
                return .failure(error)
            }
        }
        return try outcome.get()
    }

    func free(_ block: MemoryBlock) {
        state.withLock { state in
            state.account.giveBack(block.size)
            state.free[State.Key(size: block.size, place: block.place), default: []].append(block)
            if let slab = block.slab { state.slabs[slab]?.living -= 1 }
            let kept = state.account.reserved - state.account.inUse
            if let most = state.mostKept, kept.bytes > most { _ = trim(&state) }
        }
    }

    /// Sets how much freed memory is kept for reuse at most.
    func keep(atMost bytes: Int) {
        state.withLock { state in
            state.mostKept = bytes
            if (state.account.reserved - state.account.inUse).bytes > bytes { _ = trim(&state) }
        }
    }

    /// Unmaps what is wholly free; returns how many bytes that were.
    func trim() -> ByteCount { state.withLock { trim(&$0) } }

    private struct State {
        struct Key: Hashable {
            var size: Int
            var place: MemoryBlock.Place
        }
        struct Slab {
            var address: UInt
            var size: Int
            var living: Int
        }

        var account = MemoryAccount()
        var free: [Key: [MemoryBlock]] = [:]
        var slabs: [Int: Slab] = [:]
        var nextSlab = 0
        /// Freed bytes beyond this are given back; nil keeps all.
        var mostKept: Int?
    }
}

extension MemoryPool {
    static let pageSize = Int(sysconf(Int32(_SC_PAGESIZE)))
    private static let slabSize = 256 << 10
    /// The processor's large page where there is one; only used to decide what is worth asking for.
    static let hugePageSize = 2 << 20

    /// The size of the class a request falls into.
    static func classSize(_ size: Int) -> Int {
        guard size > 64 else { return 64 }
        let power = 1 << (Int.bitWidth - 1 - (size - 1).leadingZeroBitCount)
        let step = max(64, power / 8)
        let rounded = (size + step - 1) / step * step
        return rounded < pageSize ? rounded : (rounded + pageSize - 1) / pageSize * pageSize
    }

    private func allocate(
        _ size: Int, _ place: MemoryBlock.Place, _ state: inout State
    ) throws(DeviceError) -> MemoryBlock {
        if let left = state.account.shortage(for: size) {
            throw outOfMemory(size, available: left.bytes, of: "the context's limit")
        }
        let key = State.Key(size: size, place: place)
        var block = state.free[key]?.popLast()
        if block == nil {
            block = try make(size, place, &state)
        } else {
            state.account.reuses += 1
        }
        guard let block else { throw outOfMemory(size, available: 0, of: "the pool") }
        if let slab = block.slab { state.slabs[slab]?.living += 1 }
        state.account.use(size)
        return block
    }

    private func make(
        _ size: Int, _ place: MemoryBlock.Place, _ state: inout State
    ) throws(DeviceError) -> MemoryBlock {
        guard size < MemoryPool.pageSize else {
            let address = try unsafe map(size, place, &state)
            return unsafe MemoryBlock(address: address, size: size, place: place, slab: nil)
        }
        let slab = state.nextSlab
        let start = try unsafe map(MemoryPool.slabSize, place, &state)
        state.nextSlab += 1
        state.slabs[slab] = State.Slab(address: UInt(bitPattern: start), size: MemoryPool.slabSize, living: 0)
        var blocks = stride(from: 0, through: MemoryPool.slabSize - size, by: size).map { offset in
            unsafe MemoryBlock(address: start + offset, size: size, place: place, slab: slab)
        }
        blocks.reverse()
        let first = blocks.removeLast()
        state.free[State.Key(size: size, place: place), default: []] += blocks
        return first
    }

    /// Maps memory from the system, counted against the device; what is kept for reuse goes first if need be.
    private func map(
        _ size: Int, _ place: MemoryBlock.Place, _ state: inout State
    ) throws(DeviceError) -> UnsafeMutableRawPointer {
        if !device.reserve(size) {
            _ = trim(&state)
            guard device.reserve(size) else {
                throw outOfMemory(size, available: device.unreserved, of: "\(device.name)")
            }
        }
        guard let address = unsafe PageMapping.map(size, place: place, deviceNode: device.node) else {
            let number = errno
            device.unreserve(size)
            throw DeviceError(
                .outOfDeviceMemory, operation: "buffer_allocate",
                text: "The system gives no \(ByteCount(bytes: size)) for a buffer on \(device.name)"
                    + (place.pages == .hugeOnly ? " in huge pages." : "."),
                nativeCode: Int(number), requested: ByteCount(bytes: size),
                available: ByteCount(bytes: device.unreserved), isRetriable: true)
        }
        state.account.reserved += ByteCount(bytes: size)
        return unsafe address
    }

    private func trim(_ state: inout State) -> ByteCount {
        var released = 0
        for (key, blocks) in state.free {
            let kept = blocks.filter { block in
                if let slab = block.slab { return (state.slabs[slab]?.living ?? 0) > 0 }
                unsafe munmap(block.address, block.size)
                released += block.size
                return false
            }
            state.free[key] = kept.isEmpty ? nil : kept
        }
        for (number, slab) in state.slabs where slab.living == 0 {
            unsafe munmap(UnsafeMutableRawPointer(bitPattern: slab.address), slab.size)
            released += slab.size
            state.slabs[number] = nil
        }
        device.unreserve(released)
        state.account.reserved -= ByteCount(bytes: released)
        return ByteCount(bytes: released)
    }

    private func outOfMemory(_ size: Int, available: Int, of what: String) -> DeviceError {
        let left = ByteCount(bytes: max(0, available))
        return DeviceError(
            .outOfDeviceMemory, operation: "buffer_allocate",
            text: "A buffer of \(ByteCount(bytes: size)) does not fit: \(what) has \(left) left.",
            requested: ByteCount(bytes: size), available: left, isRetriable: true)
    }
}

/// Mappings of anonymous memory on a chosen NUMA node, in chosen pages.
enum PageMapping {
    /// A page-aligned mapping of whole pages; nil with errno when the system refuses.
    ///
    /// The node is a preference: when it is full, the kernel takes pages from another one, because for a program
    /// that computes, slow memory is better than being killed.
    static func map(_ size: Int, place: MemoryBlock.Place, deviceNode: Int?) -> UnsafeMutableRawPointer? {
        let flags = MAP_PRIVATE | MAP_ANONYMOUS | (place.pages == .hugeOnly ? MAP_HUGETLB : 0)
        let isHuge =
            place.pages == .hugeFirst
            || (place.pages == .backendChooses && size >= 2 * MemoryPool.hugePageSize)
        guard let address = unsafe isHuge ? aligned(size, flags) : plain(size, flags) else { return nil }
        if isHuge {
            // Without large pages in the kernel the advice fails and small ones serve.
            _ = unsafe madvise(address, size, MADV_HUGEPAGE)
        } else if place.pages == .normal {
            _ = unsafe madvise(address, size, MADV_NOHUGEPAGE)
        }
        if let node = place.node ?? deviceNode {
            var number = Int32(node)
            let policy = Int32(CLINUX_POLICY_PREFERRED)
            // Where the kernel knows no nodes, every page is local anyway.
            _ = unsafe clinux_bind_memory(address, size, policy, &number, 1, 0)
        }
        return unsafe address
    }

    private static func plain(_ size: Int, _ flags: Int32) -> UnsafeMutableRawPointer? {
        let address = unsafe mmap(nil, size, PROT_READ | PROT_WRITE, flags, -1, 0)
        return unsafe address == MAP_FAILED ? nil : address
    }

    /// A mapping that starts on a large page, so that the kernel can use large pages from its first byte.
    private static func aligned(_ size: Int, _ flags: Int32) -> UnsafeMutableRawPointer? {
        let extra = MemoryPool.hugePageSize
        guard let raw = unsafe plain(size + extra, flags) else { return nil }
        let start = UInt(bitPattern: raw)
        let front = Int((start + UInt(extra) - 1) / UInt(extra) * UInt(extra) - start)
        if front > 0 { unsafe munmap(raw, front) }
        if extra > front { unsafe munmap(raw + front + size, extra - front) }
        return unsafe raw + front
    }
}
