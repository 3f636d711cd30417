/// Reads numbers out of bytes from front to back; what lies beyond their end is nil.
struct ByteCursor {
    private(set) var rest: ArraySlice<UInt8>

    init(_ bytes: ArraySlice<UInt8>) { rest = bytes }

    /// A number whose lowest byte comes first.
    mutating func number<Number: FixedWidthInteger>(_ type: Number.Type) -> Number? {
        guard let bytes = take(Number.bitWidth / 8) else { return nil }
        return bytes.reversed().reduce(0) { $0 << 8 | Number(truncatingIfNeeded: $1) }
    }

    /// A number of two bytes.
    mutating func short() -> Int? { number(UInt16.self).map(Int.init) }

    /// A number of four bytes.
    mutating func word() -> Int? { number(UInt32.self).map(Int.init) }

    /// A number of eight bytes that fits into an `Int`.
    mutating func long() -> Int? { number(UInt64.self).flatMap { Int(exactly: $0) } }

    mutating func take(_ count: Int) -> ArraySlice<UInt8>? {
        guard count >= 0, count <= rest.count else { return nil }
        defer { rest = rest.dropFirst(count) }
        return rest.prefix(count)
    }
}

extension [UInt8] {
    /// The bytes of a number, lowest first.
    static func littleEndian(_ number: some FixedWidthInteger) -> [UInt8] {
        (0..<number.bitWidth / 8).map { UInt8(truncatingIfNeeded: number >> ($0 * 8)) }
    }
}
