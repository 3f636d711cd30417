internal import Foundation

/// A sum over bytes and numbers that finds damage, and equal texts: FNV-1a with 64 bits.
///
/// It is no protection against people; where equality counts, the texts themselves are compared too.
struct Sum {
    private var value: UInt64 = 0xcbf2_9ce4_8422_2325

    mutating func add(_ bytes: Data) {
        for byte in bytes { value = (value ^ UInt64(byte)) &* 0x100_0000_01b3 }
    }

    mutating func add(_ number: Int64) {
        value = (value ^ UInt64(bitPattern: number)) &* 0x9e37_79b9_7f4a_7c15
        value ^= value >> 29
    }

    /// As SQLite keeps numbers.
    var number: Int64 { Int64(bitPattern: value) }

    static func of(_ bytes: Data) -> Int64 {
        var sum = Sum()
        sum.add(bytes)
        return sum.number
    }
}
