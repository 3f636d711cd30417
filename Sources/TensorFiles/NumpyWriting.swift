package import ComputeGraph

extension NumpyFile {
    /// The tensor as a file of version 1, or 2 where its header is too long for that.
    ///
    /// Strings become numpy's Unicode, which cannot tell zeros at their end from none. The types that numpy lacks
    /// (bfloat16, and all of fewer than 8 bits or of float8) are refused.
    package static func bytes(of tensor: HostTensor) throws(TensorFileError) -> [UInt8] {
        if tensor.type.element == .string { return bytes(ofStrings: tensor) }
        guard let code = NumpyElement.description(of: tensor.type.element) else {
            throw TensorFileError(
                "A .npy file", "cannot hold \(tensor.type.element), which numpy does not have")
        }
        var bytes = header(code, tensor.type.shape)
        unsafe tensor.withBytes { unsafe bytes.append(contentsOf: $0) }
        return bytes
    }

    private static func bytes(ofStrings tensor: HostTensor) -> [UInt8] {
        let texts = tensor.strings.map { Array($0.unicodeScalars) }
        let width = max(1, texts.map(\.count).max() ?? 1)
        var bytes = header("<U\(width)", tensor.type.shape)
        for text in texts {
            for scalar in text { bytes += .littleEndian(scalar.value) }
            bytes += [UInt8](repeating: 0, count: 4 * (width - text.count))
        }
        return bytes
    }

    private static func header(_ code: String, _ shape: Shape) -> [UInt8] {
        let extents = shape.extents.map { "\($0)" }.joined(separator: ", ") + (shape.rank == 1 ? "," : "")
        let text = "{'descr': '\(code)', 'fortran_order': False, 'shape': (\(extents)), }"
        let version: UInt8 = text.utf8.count > 0xFF00 ? 2 : 1
        let front = magic.count + 2 + (version == 1 ? 2 : 4)
        // The elements begin at a multiple of 64 bytes, so that a mapped file has them aligned.
        let length = (front + text.utf8.count + 1 + 63) / 64 * 64 - front
        let padding = String(repeating: " ", count: length - text.utf8.count - 1)
        let count: [UInt8] = version == 1 ? .littleEndian(UInt16(length)) : .littleEndian(UInt32(length))
        return magic + [version, 0] + count + Array((text + padding + "\n").utf8)
    }
}
