internal import ComputeGraph

/// An image of 8-bit red, green and blue.
struct PixelImage {
    let width: Int
    let height: Int
    /// Three bytes for each pixel, row by row from the top.
    var pixels: [UInt8]

    /// A black image; throws where it has no pixels or more than the limit.
    init(width: Int, height: Int, limit: Int) throws(ImageFault) {
        guard width > 0, height > 0 else { throw .unreadable("it is \(width) x \(height) pixels") }
        guard width <= limit / height else { throw .tooLarge(width: width, height: height, limit: limit) }
        self.init(width: width, height: height, pixels: [UInt8](repeating: 0, count: 3 * width * height))
    }

    init(width: Int, height: Int, pixels: [UInt8]) {
        self.width = width
        self.height = height
        self.pixels = pixels
    }

    /// Sets the pixel of this index, counted row by row.
    mutating func set(_ index: Int, red: UInt8, green: UInt8, blue: UInt8) {
        pixels[3 * index] = red
        pixels[3 * index + 1] = green
        pixels[3 * index + 2] = blue
    }
}

extension PixelImage {
    /// The bytes of `[height, width, channels]` in a format of ONNX's `ImageDecoder`.
    func bytes(in format: PixelFormat) -> [UInt8] {
        switch format {
        case .rgb: return pixels
        case .bgr:
            var result = pixels
            for index in stride(from: 0, to: result.count, by: 3) { result.swapAt(index, index + 2) }
            return result
        case .grayscale:
            // ITU-R 601-2 luma in parts of 65536, as Pillow takes it.
            return stride(from: 0, to: pixels.count, by: 3).map { index in
                let (red, green, blue) = (Int(pixels[index]), Int(pixels[index + 1]), Int(pixels[index + 2]))
                return UInt8((19595 * red + 38470 * green + 7471 * blue + 0x8000) >> 16)
            }
        }
    }
}

/// The order of channels, by the names of ONNX's `pixel_format`.
enum PixelFormat: String, CaseIterable {
    case rgb = "RGB"
    case bgr = "BGR"
    case grayscale = "Grayscale"

    var channelCount: Int { self == .grayscale ? 1 : 3 }
}

/// Why an image cannot be decoded.
enum ImageFault: Error {
    /// The reason continues a sentence, and may be empty.
    case unreadable(String)
    case tooLarge(width: Int, height: Int, limit: Int)

    /// The end of a sentence about the image.
    var reason: String {
        switch self {
        case .unreadable(let reason): reason.isEmpty ? "it cannot be read" : reason
        case .tooLarge(let width, let height, let limit):
            "it is \(width) x \(height) pixels, and the limit is \(limit)"
        }
    }
}
