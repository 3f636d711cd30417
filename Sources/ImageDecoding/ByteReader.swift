/// Reads numbers from bytes, and throws where there are none left.
struct ByteReader {
    let bytes: [UInt8]
    var place = 0

    init(_ bytes: [UInt8], at place: Int = 0) {
        self.bytes = bytes
        self.place = place
    }

    /// The next byte, or nil at the end.
    var next: UInt8? { place >= 0 && place < bytes.count ? bytes[place] : nil }

    mutating func byte() throws(ImageFault) -> UInt8 {
        guard let byte = next else { throw .unreadable("it ends too early") }
        place += 1
        return byte
    }

    /// A whole number of two bytes, the low one first.
    mutating func uint16() throws(ImageFault) -> Int {
        let (low, high) = (try byte(), try byte())
        return Int(high) << 8 | Int(low)
    }

    /// A whole number of four bytes, the low ones first.
    mutating func uint32() throws(ImageFault) -> Int {
        let (low, high) = (try uint16(), try uint16())
        return high << 16 | low
    }

    /// A signed number of four bytes.
    mutating func int32() throws(ImageFault) -> Int { Int(Int32(truncatingIfNeeded: try uint32())) }
}
