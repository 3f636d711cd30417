/// Reads the portable bitmaps, graymaps and pixmaps P1 to P6, with samples of up to 16 bits.
///
/// The layout is that of https://netpbm.sourceforge.net/doc/pnm.html.
struct PortableReader {
    private var reader: ByteReader
    private let kind: Kind
    private let isText: Bool
    private var largest = 1

    private enum Kind: Int {
        case bits = 1
        case gray
        case colours
    }

    static func image(in bytes: [UInt8], limit: Int) throws(ImageFault) -> PixelImage {
        var portable = try PortableReader(bytes)
        let (width, height) = (try portable.number(), try portable.number())
        if portable.kind != .bits { portable.largest = try portable.number() }
        guard portable.largest > 0, portable.largest < 1 << 16 else {
            throw .unreadable("its largest value is \(portable.largest)")
        }
        var image = try PixelImage(width: width, height: height, limit: limit)
        // One white space ends the header.
        if !portable.isText { portable.reader.place += 1 }
        try portable.readSamples(into: &image)
        return image
    }

    private init(_ bytes: [UInt8]) throws(ImageFault) {
        reader = ByteReader(bytes, at: 1)
        let digit = Int(try reader.byte()) - 0x30
        guard let kind = Kind(rawValue: digit > 3 ? digit - 3 : digit) else {
            throw .unreadable("it is P\(digit)")
        }
        self.kind = kind
        isText = digit <= 3
    }

    private mutating func readSamples(into image: inout PixelImage) throws(ImageFault) {
        for row in 0..<image.height {
            var byte: UInt8 = 0
            for column in 0..<image.width {
                let index = row * image.width + column
                switch kind {
                case .bits where !isText:
                    // A row fills whole bytes, and a set bit is black.
                    if column % 8 == 0 { byte = try reader.byte() }
                    let value: UInt8 = byte & 0x80 == 0 ? 255 : 0
                    byte <<= 1
                    image.set(index, red: value, green: value, blue: value)
                case .bits:
                    let value: UInt8 = try digit() == 0 ? 255 : 0
                    image.set(index, red: value, green: value, blue: value)
                case .gray:
                    let value = try sample()
                    image.set(index, red: value, green: value, blue: value)
                case .colours:
                    let (red, green, blue) = (try sample(), try sample(), try sample())
                    image.set(index, red: red, green: green, blue: blue)
                }
            }
        }
    }

    /// A sample as 8 bits, rounded to the nearest.
    private mutating func sample() throws(ImageFault) -> UInt8 {
        var value: Int
        if isText {
            value = try number()
        } else {
            value = Int(try reader.byte())
            if largest > 255 { value = value << 8 | Int(try reader.byte()) }
        }
        guard value <= largest else {
            throw .unreadable("a sample is \(value), and the largest is \(largest)")
        }
        return UInt8((value * 255 + largest / 2) / largest)
    }

    /// A decimal number behind white space and comments.
    private mutating func number() throws(ImageFault) -> Int {
        try skipSpace()
        var value: Int?
        while let byte = reader.next, (0x30...0x39).contains(byte) {
            reader.place += 1
            value = (value ?? 0) * 10 + Int(byte - 0x30)
            guard value ?? 0 < 1 << 31 else { throw .unreadable("a number in it is too large") }
        }
        guard let value else { throw .unreadable("a number is missing in it") }
        return value
    }

    /// A single 0 or 1, which no white space needs to follow.
    private mutating func digit() throws(ImageFault) -> Int {
        try skipSpace()
        let byte = try reader.byte()
        guard byte == 0x30 || byte == 0x31 else { throw .unreadable("a bit in it is neither 0 nor 1") }
        return Int(byte - 0x30)
    }

    private mutating func skipSpace() throws(ImageFault) {
        while let byte = reader.next {
            if byte == UInt8(ascii: "#") {
                while let next = reader.next, next != 0x0A { reader.place += 1 }
            } else if byte == 0x20 || (0x09...0x0D).contains(byte) {
                reader.place += 1
            } else {
                return
            }
        }
    }
}
