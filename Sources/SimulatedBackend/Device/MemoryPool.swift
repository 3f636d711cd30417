internal import AcceleratorAPI
internal import CHengAccelerator
internal import Essentials

#if canImport(Glibc)
internal import Glibc
#endif

/// Memory that stands for the device's: zeros until it is written, and taken from the system only then.
@safe final class Storage: @unchecked Sendable {
    // Unchecked: the address never changes; whose turn it is to touch the bytes is for streams and events.
    let address: UnsafeMutableRawPointer
    let size: Int

    /// Nil where the system has none.
    init?(size: Int) {
        guard
            let place = unsafe mmap(
                nil, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0),
            unsafe place != MAP_FAILED
        else { return nil }
        unsafe address = place
        self.size = size
    }

    deinit { unsafe munmap(address, size) }
}

/// The account of a context's memory, and what is kept of it for reuse.
struct MemoryPool {
    /// How much is kept where nobody says otherwise.
    static let defaultKeep = 256 << 20

    private(set) var account = MemoryAccount()
    var keepLimit = MemoryPool.defaultKeep
    /// Blocks by their size.
    private(set) var kept: [Int: [Storage]] = [:]
    private(set) var keptBytes = 0
    /// Memory of the host, by its address.
    var hostBlocks: [UInt: Storage] = [:]

    var inUse: Int { account.inUse.bytes }
    var reserved: Int { inUse + keptBytes }

    /// The account as the caller sees it.
    var info: heng_memory_info {
        var account = account
        account.reserved = ByteCount(bytes: reserved)
        return unsafe account.raw
    }

    mutating func limit(to bytes: UInt64) { account.limit(to: bytes) }
    mutating func use(_ bytes: Int) { account.use(bytes) }
    mutating func giveBack(_ bytes: Int) { account.giveBack(bytes) }

    mutating func takeKept(_ size: Int) -> Storage? {
        guard let block = kept[size]?.popLast() else { return nil }
        keptBytes -= size
        account.reuses += 1
        return block
    }

    /// Keeps a block, as far as the limit allows; false where it goes back.
    mutating func keep(_ block: Storage) -> Bool {
        guard keptBytes + block.size <= keepLimit else { return false }
        kept[block.size, default: []].append(block)
        keptBytes += block.size
        return true
    }

    /// Lets go of kept blocks until at most so many bytes are kept, and says how many went.
    mutating func trim(to bytes: Int = 0) -> Int {
        let before = keptBytes
        for size in kept.keys.sorted(by: >) {
            while keptBytes > bytes, kept[size]?.popLast() != nil { keptBytes -= size }
        }
        return before - keptBytes
    }

    /// Forgets everything but the peak; returns the bytes that were reserved.
    mutating func empty() -> Int {
        let bytes = reserved
        account.inUse = .zero
        keptBytes = 0
        kept = [:]
        return bytes
    }
}

// Allocation. The monitor is held.
extension SimulatedContext {
    /// A block of at least that size.
    func allocate(_ size: UInt64, _ operation: String) throws(DeviceError) -> Storage {
        let alignment = max(device.settings.alignment, 1)
        guard size <= UInt64(device.settings.memory.bytes) else {
            throw outOfMemory(size, "the device's whole memory", device.settings.memory.bytes, operation)
        }
        let rounded = (Int(size) + alignment - 1) / alignment * alignment
        if let left = pool.account.shortage(for: rounded) {
            throw outOfMemory(size, "what its context may still use", left.bytes, operation)
        }
        if let block = pool.takeKept(rounded) {
            pool.use(rounded)
            return block
        }
        if device.free < rounded { giveBackKeptMemory() }
        guard device.free >= rounded else {
            throw outOfMemory(size, "the memory that is left", device.free, operation)
        }
        guard let block = Storage(size: rounded) else {
            throw DeviceError(
                .outOfHostMemory, operation: operation,
                text: "The host has no address range for \(ByteCount(bytes: rounded)) of \(device.name).",
                requested: ByteCount(bytes: rounded), available: .zero, isRetriable: true)
        }
        device.reserve(rounded)
        pool.use(rounded)
        return block
    }

    /// Takes a block back.
    func free(_ block: Storage) {
        pool.giveBack(block.size)
        if !pool.keep(block) { device.reserve(-block.size) }
    }

    /// Kept memory of all contexts goes before an allocation fails.
    private func giveBackKeptMemory() {
        for context in device.contexts { device.reserve(-context.pool.trim()) }
    }

    private func outOfMemory(
        _ size: UInt64, _ what: String, _ available: Int, _ operation: String
    ) -> DeviceError {
        let requested = ByteCount(bytes: Int(clamping: size))
        let holders = device.contexts.filter { $0.pool.inUse > 0 }.map {
            "context \($0.number) holds \(ByteCount(bytes: $0.pool.inUse)) in \($0.living.buffers) buffers"
        }
        return DeviceError(
            .outOfDeviceMemory, operation: operation,
            text: "A buffer of \(requested) is more than \(what) on \(device.name), "
                + "\(ByteCount(bytes: available))" + (holders.isEmpty ? "." : ": ")
                + holders.joined(separator: ", ") + (holders.isEmpty ? "" : "."),
            requested: requested, available: ByteCount(bytes: available), isRetriable: true)
    }
}
