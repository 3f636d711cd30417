package import ComputeGraph

/// The pixels of an image file.
///
/// What cannot be decoded is an error with the reason; ONNX would have an empty image.
package enum ImageDecoder: ModelOperator {
    package static let schema = OperatorSchema(
        "ImageDecoder", since: 20,
        "The pixels of an image in BMP, JPEG, JPEG 2000, PNG, PNM, TIFF or WebP; the first where there are several.",
        inputs: [.required("encoded_stream", TypeSet(.uint8), "[bytes]: the whole file")],
        outputs: [.required("image", TypeSet(.uint8), "[height, width, channels]: 3 channels, or 1 of gray")],
        attributes: [.string("pixel_format", "RGB", "RGB, BGR or Grayscale")])

    /// No image has more pixels; its colours take 384 MiB then.
    private static let pixelLimit = 1 << 27

    package static func build(_ call: OperatorCall, in graph: inout GraphBuilder) throws -> [GraphValue] {
        let name = try call.string("pixel_format")
        guard let pixelFormat = PixelFormat(rawValue: name) else {
            throw call.error("pixel_format is RGB, BGR or Grayscale, not \(name)")
        }
        let file = try graph.tensor(call.input(0))
        try call.require(
            file.type.shape.rank == 1, "takes the bytes of a file along one axis, not \(file.type)")
        let bytes = file.elements(UInt8.self)
        guard let format = ImageFormat(of: bytes) else {
            throw call.error("\(bytes.count) bytes begin as none of the formats that it reads")
        }
        let image: PixelImage
        do {
            image = try format.decode(bytes, limit: min(Self.pixelLimit, graph.memoryLimit / 3))
        } catch {
            throw call.error("the \(format.rawValue) image is not decoded: \(error.reason)")
        }
        let type = TensorType(.uint8, [image.height, image.width, pixelFormat.channelCount])
        return [.tensor(graph.constant(HostTensor(type, bytes: image.bytes(in: pixelFormat))))]
    }
}

/// The operators of this module, for `ModelOperatorRegistry(adding:)`.
package let imageOperators: [any ModelOperator.Type] = [ImageDecoder.self]

extension HostTensor {
    fileprivate init(_ type: TensorType, bytes: [UInt8]) {
        self.init(zeros: type)
        withMutableElements(UInt8.self) { elements in
            for index in bytes.indices { elements[index] = bytes[index] }
        }
    }
}
