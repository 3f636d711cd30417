package import CHengAccelerator
package import Essentials

/// What a context's buffers take.
package struct MemoryAccount: Hashable, Sendable, Codable {
    /// Living buffers, with their rounding.
    package var inUse: ByteCount = .zero
    /// The most that was in use at any time.
    package var highWater: ByteCount = .zero
    /// Held from the system: in use, and kept for reuse.
    package var reserved: ByteCount = .zero
    package var limit: ByteCount?
    /// How many allocations were served from kept memory.
    package var reuses = 0

    package init(limit: ByteCount? = nil) { self.limit = limit }
}

// Keeping one.
extension MemoryAccount {
    /// What is left under the limit, where so many bytes more do not fit; nil where they do.
    package func shortage(for bytes: Int) -> ByteCount? {
        let most = limit?.bytes ?? .max
        guard bytes > most - inUse.bytes else { return nil }
        return ByteCount(bytes: max(0, most - inUse.bytes))
    }

    package mutating func use(_ bytes: Int) {
        inUse += ByteCount(bytes: bytes)
        highWater = max(highWater, inUse)
    }

    package mutating func giveBack(_ bytes: Int) { inUse -= ByteCount(bytes: bytes) }

    /// Sets the limit as the table gives it, where 0 stands for none.
    package mutating func limit(to bytes: UInt64) {
        limit = bytes == 0 ? nil : ByteCount(bytes: Int(clamping: bytes))
    }
}

// Crossing.
extension MemoryAccount {
    package init(_ raw: heng_memory_info) {
        self.init()
        inUse = unsafe ByteCount(bytes: Int(clamping: raw.in_use))
        highWater = unsafe ByteCount(bytes: Int(clamping: raw.high_water))
        reserved = unsafe ByteCount(bytes: Int(clamping: raw.reserved))
        unsafe limit(to: raw.limit)
        reuses = unsafe Int(clamping: raw.reuses)
    }

    package var raw: heng_memory_info {
        var raw = unsafe heng_memory_info()
        unsafe raw.in_use = UInt64(inUse.bytes)
        unsafe raw.high_water = UInt64(highWater.bytes)
        unsafe raw.reserved = UInt64(reserved.bytes)
        unsafe raw.limit = UInt64(limit?.bytes ?? 0)
        unsafe raw.reuses = UInt64(reuses)
        return unsafe raw
    }
}
