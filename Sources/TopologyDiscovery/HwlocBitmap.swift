internal import Essentials

extension CPUSet {
    /// Reads hwloc's text for a set of numbers: 32-bit words in hexadecimal, highest first, `0x0000000f,,0x1`.
    ///
    /// An empty word is zero. Nil for anything else, for the endless sets hwloc writes as `0xf...f`, and for
    /// numbers from `limit` up.
    init?(hwlocBitmap text: String, limit: Int) {
        self.init()
        let words = text.split(separator: ",", omittingEmptySubsequences: false)
        for (position, word) in words.reversed().enumerated() where !word.isEmpty {
            guard word.hasPrefix("0x"), word.utf8.count <= 10, let bits = UInt32(word.dropFirst(2), radix: 16)
            else { return nil }
            for bit in 0..<32 where bits >> UInt32(bit) & 1 == 1 {
                guard position * 32 + bit < limit else { return nil }
                insert(position * 32 + bit)
            }
        }
    }
}
