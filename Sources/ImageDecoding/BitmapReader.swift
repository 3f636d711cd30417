/// Reads Windows bitmaps: 1 to 32 bits for each pixel, palettes, masks, and both run-length encodings.
///
/// The layout is that of https://learn.microsoft.com/windows/win32/gdi/bitmap-storage. An alpha channel is left out.
struct BitmapReader {
    private var reader: ByteReader
    private var width = 0
    private var height = 0
    private var isTopDown = false
    private var bitsPerPixel = 0
    private var compression = Compression.none
    /// Where red, green and blue lie in a pixel of 16 or 32 bits.
    private var masks: [UInt32] = []
    /// Red, green and blue of each entry.
    private var palette: [(UInt8, UInt8, UInt8)] = []
    private var dataStart = 0

    private enum Compression: Int {
        case none, runs8, runs4, masks
        case masksWithAlpha = 6
    }

    static func image(in bytes: [UInt8], limit: Int) throws(ImageFault) -> PixelImage {
        var bitmap = BitmapReader(reader: ByteReader(bytes))
        try bitmap.readHeader()
        var image = try PixelImage(width: bitmap.width, height: bitmap.height, limit: limit)
        try bitmap.readPixels(into: &image)
        return image
    }

    private init(reader: ByteReader) { self.reader = reader }

    private mutating func readHeader() throws(ImageFault) {
        reader.place = 10
        dataStart = try reader.uint32()
        let headerSize = try reader.uint32()
        let isOld = headerSize == 12
        guard isOld || headerSize >= 40 else { throw .unreadable("its header has \(headerSize) bytes") }
        width = isOld ? try reader.uint16() : try reader.int32()
        height = isOld ? try reader.uint16() : try reader.int32()
        isTopDown = height < 0
        height = abs(height)
        _ = try reader.uint16()
        bitsPerPixel = try reader.uint16()
        guard [1, 4, 8, 16, 24, 32].contains(bitsPerPixel) else {
            throw .unreadable("it has \(bitsPerPixel) bits for each pixel")
        }
        var colours = 0
        if !isOld {
            let code = try reader.uint32()
            guard let known = Compression(rawValue: code), isFitting(known) else {
                throw .unreadable("its compression \(code) is not one of bitmaps with \(bitsPerPixel) bits")
            }
            compression = known
            reader.place += 12
            colours = try reader.uint32()
        }
        try readMasks(headerSize)
        if bitsPerPixel <= 8 { try readPalette(headerSize, colours: colours, entrySize: isOld ? 3 : 4) }
    }

    private func isFitting(_ compression: Compression) -> Bool {
        switch compression {
        case .none: true
        case .runs8: bitsPerPixel == 8
        case .runs4: bitsPerPixel == 4
        case .masks, .masksWithAlpha: bitsPerPixel == 16 || bitsPerPixel == 32
        }
    }

    /// The masks follow the first 40 bytes of the header, inside or behind it.
    private mutating func readMasks(_ headerSize: Int) throws(ImageFault) {
        masks = bitsPerPixel == 16 ? [0x7C00, 0x3E0, 0x1F] : [0xFF0000, 0xFF00, 0xFF]
        guard compression == .masks || compression == .masksWithAlpha else { return }
        reader.place = 14 + 40
        for channel in 0..<3 { masks[channel] = UInt32(try reader.uint32()) }
    }

    private mutating func readPalette(_ headerSize: Int, colours: Int, entrySize: Int) throws(ImageFault) {
        let most = 1 << bitsPerPixel
        reader.place = 14 + headerSize
        for _ in 0..<(colours == 0 ? most : min(colours, most)) {
            let (blue, green, red) = (try reader.byte(), try reader.byte(), try reader.byte())
            reader.place += entrySize - 3
            palette.append((red, green, blue))
        }
    }

    private mutating func readPixels(into image: inout PixelImage) throws(ImageFault) {
        reader.place = dataStart
        if compression == .runs8 || compression == .runs4 { return try readRuns(into: &image) }
        // A row fills whole groups of four bytes.
        let rowSize = (bitsPerPixel * width + 31) / 32 * 4
        for row in 0..<height {
            reader.place = dataStart + row * rowSize
            let first = (isTopDown ? row : height - 1 - row) * width
            if bitsPerPixel <= 8 {
                try readIndices(first, into: &image)
            } else {
                for column in 0..<width { try readColour(first + column, into: &image) }
            }
        }
    }

    private mutating func readIndices(_ first: Int, into image: inout PixelImage) throws(ImageFault) {
        var byte: UInt8 = 0
        let pixelsPerByte = 8 / bitsPerPixel
        for column in 0..<width {
            if column % pixelsPerByte == 0 { byte = try reader.byte() }
            try set(first + column, to: Int(byte >> (8 - bitsPerPixel)), in: &image)
            byte = bitsPerPixel == 8 ? 0 : byte << bitsPerPixel
        }
    }

    private func set(_ index: Int, to entry: Int, in image: inout PixelImage) throws(ImageFault) {
        guard entry < palette.count else {
            throw .unreadable("it names colour \(entry) of a palette of \(palette.count)")
        }
        let (red, green, blue) = palette[entry]
        image.set(index, red: red, green: green, blue: blue)
    }

    private mutating func readColour(_ index: Int, into image: inout PixelImage) throws(ImageFault) {
        if bitsPerPixel == 24 {
            let (blue, green, red) = (try reader.byte(), try reader.byte(), try reader.byte())
            image.set(index, red: red, green: green, blue: blue)
            return
        }
        let pixel = UInt32(bitsPerPixel == 16 ? try reader.uint16() : try reader.uint32())
        let parts = masks.map { mask -> UInt8 in
            guard mask != 0 else { return 0 }
            let largest = UInt64(mask >> UInt32(mask.trailingZeroBitCount))
            let part = UInt64((pixel & mask) >> UInt32(mask.trailingZeroBitCount))
            return UInt8(part * 255 / largest)
        }
        image.set(index, red: parts[0], green: parts[1], blue: parts[2])
    }

    /// Reads runs: a count and a colour, or 0 and an order.
    ///
    /// What no run names has the first colour.
    private mutating func readRuns(into image: inout PixelImage) throws(ImageFault) {
        for index in 0..<width * height { try set(index, to: 0, in: &image) }
        var (column, row) = (0, 0)
        while row < height {
            let (count, value) = (Int(try reader.byte()), Int(try reader.byte()))
            if count > 0 {
                for step in 0..<count {
                    try put(entry(value, step), column + step, row, in: &image)
                }
                column += count
                continue
            }
            switch value {
            case 0: (column, row) = (0, row + 1)
            case 1: return
            case 2:
                column += Int(try reader.byte())
                row += Int(try reader.byte())
            default:
                var byte = 0
                for step in 0..<value {
                    if compression == .runs8 || step % 2 == 0 { byte = Int(try reader.byte()) }
                    try put(entry(byte, step), column + step, row, in: &image)
                }
                column += value
                let size = compression == .runs8 ? value : (value + 1) / 2
                if size % 2 == 1 { _ = try reader.byte() }
            }
        }
    }

    /// The palette's entry of one step of a run: in runs of 4 bits the two halves of a byte take turns.
    private func entry(_ byte: Int, _ step: Int) -> Int {
        compression == .runs8 ? byte : step % 2 == 0 ? byte >> 4 : byte & 15
    }

    private func put(_ entry: Int, _ column: Int, _ row: Int, in image: inout PixelImage) throws(ImageFault) {
        guard column < width, row < height else { throw .unreadable("a run leaves the image") }
        try set((isTopDown ? row : height - 1 - row) * width + column, to: entry, in: &image)
    }
}
