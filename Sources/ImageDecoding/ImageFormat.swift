internal import CImageCodecs

/// The formats of images, told apart by their first bytes.
enum ImageFormat: String, CaseIterable {
    case bmp = "BMP"
    case jpeg = "JPEG"
    case jpeg2000 = "JPEG 2000"
    case png = "PNG"
    case pnm = "PNM"
    case tiff = "TIFF"
    case webp = "WebP"

    /// The format that the bytes begin with, nil where they begin with none.
    init?(of bytes: [UInt8]) {
        func begins(_ marks: [UInt8]...) -> Bool { marks.contains { bytes.starts(with: $0) } }
        if begins([0xFF, 0xD8, 0xFF]) {
            self = .jpeg
        } else if begins([0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A]) {
            self = .png
        } else if begins([0x42, 0x4D]) {
            self = .bmp
        } else if begins([0, 0, 0, 0x0C, 0x6A, 0x50, 0x20, 0x20], [0xFF, 0x4F, 0xFF, 0x51]) {
            self = .jpeg2000
        } else if begins(
            [0x49, 0x49, 0x2A, 0], [0x4D, 0x4D, 0, 0x2A], [0x49, 0x49, 0x2B, 0], [0x4D, 0x4D, 0, 0x2B])
        {
            self = .tiff
        } else if begins(Array("RIFF".utf8)), bytes.count >= 12, bytes[8..<12].elementsEqual("WEBP".utf8) {
            self = .webp
        } else if bytes.count >= 2, bytes[0] == UInt8(ascii: "P"), (0x31...0x36).contains(bytes[1]) {
            self = .pnm
        } else {
            return nil
        }
    }

    /// Decodes an image of this format with at most `limit` pixels.
    func decode(_ bytes: [UInt8], limit: Int) throws(ImageFault) -> PixelImage {
        switch self {
        case .bmp: try BitmapReader.image(in: bytes, limit: limit)
        case .pnm: try PortableReader.image(in: bytes, limit: limit)
        case .jpeg: try libraryImage(CIMAGE_JPEG, bytes, limit)
        case .jpeg2000: try libraryImage(CIMAGE_JPEG2000, bytes, limit)
        case .png: try libraryImage(CIMAGE_PNG, bytes, limit)
        case .tiff: try libraryImage(CIMAGE_TIFF, bytes, limit)
        case .webp: try libraryImage(CIMAGE_WEBP, bytes, limit)
        }
    }
}

/// Decodes with one of the system's libraries.
private func libraryImage(
    _ format: cimage_format, _ bytes: [UInt8], _ limit: Int
) throws(ImageFault) -> PixelImage {
    var image = unsafe cimage_image()
    let status = unsafe bytes.withUnsafeBufferPointer { buffer in
        unsafe cimage_decode(format, buffer.baseAddress, buffer.count, UInt64(limit), &image)
    }
    let (width, height) = unsafe (Int(image.width), Int(image.height))
    guard status == 0, let start = unsafe image.pixels else {
        if width > 0 && width > limit / max(height, 1) {
            throw .tooLarge(width: width, height: height, limit: limit)
        }
        throw .unreadable(unsafe message(of: image))
    }
    defer { unsafe cimage_free(&image) }
    let pixels = unsafe Array(UnsafeBufferPointer(start: start, count: 3 * width * height))
    return PixelImage(width: width, height: height, pixels: pixels)
}

private func message(of image: cimage_image) -> String {
    var image = unsafe image
    return unsafe withUnsafeBytes(of: &image.message) { bytes in
        unsafe String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
    }
}
