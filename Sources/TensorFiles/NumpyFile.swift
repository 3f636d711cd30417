// The format: https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html
// Six magic bytes, a version, the length of a header, the header as a Python dictionary, and the elements.

package import ComputeGraph
package import Essentials

/// Files of one tensor as numpy writes them: .npy, versions 1 to 3.
package enum NumpyFile {
    /// Reads a whole file.
    ///
    /// `name` stands in errors; the tensor takes at most `limit`. Text of both kinds becomes strings, bytes in
    /// Fortran's order are put into C's, and big-endian numbers into our order. Python objects and records are
    /// refused.
    package static func tensor(
        from bytes: [UInt8], named name: String, limit: ByteCount
    ) throws(TensorFileError) -> HostTensor {
        let (header, data) = try split(bytes[...], name)
        let shape = try checkedShape(header, data, name, limit)
        // In Fortran's order the bytes are those of the transposed tensor in C's.
        let stored = header.isFortran ? Shape(shape.extents.reversed()) : shape
        let tensor = try elements(header.element, stored, data, name)
        return header.isFortran && shape.rank > 1 ? tensor.transposed() : tensor
    }

    private static func split(
        _ bytes: ArraySlice<UInt8>, _ name: String
    ) throws(TensorFileError) -> (NumpyHeader, ArraySlice<UInt8>) {
        var cursor = ByteCursor(bytes)
        guard cursor.take(magic.count).map(Array.init) == magic, let version = cursor.short() else {
            throw TensorFileError(name, "is not a .npy file: it does not begin as one")
        }
        let (major, minor) = (version & 0xFF, version >> 8)
        guard (1...3).contains(major), minor == 0 else {
            throw TensorFileError(name, "has version \(major).\(minor) of the format, and 1 to 3 are known")
        }
        guard let length = major == 1 ? cursor.short() : cursor.word(), let text = cursor.take(length) else {
            throw TensorFileError(name, "ends within its header")
        }
        return (try NumpyHeader(text, name), cursor.rest)
    }

    static let magic: [UInt8] = [0x93] + Array("NUMPY".utf8)

    /// The shape, once it is what the data has room for and the limit allows.
    private static func checkedShape(
        _ header: NumpyHeader, _ data: ArraySlice<UInt8>, _ name: String, _ limit: ByteCount
    ) throws(TensorFileError) -> Shape {
        guard let shape = try? Shape(checking: header.extents) else {
            throw TensorFileError(name, "has the impossible shape \(header.extents)")
        }
        let (size, isTooLarge) = shape.count.multipliedReportingOverflow(by: header.element.size)
        guard !isTooLarge, size == data.count else {
            throw TensorFileError(
                name,
                "has \(data.count) bytes of data, and \(shape) elements of \(header.element.size) bytes do not "
                    + "take as many")
        }
        let perElement = header.element.form == .plain ? header.element.size : MemoryLayout<String>.stride
        guard shape.count <= limit.bytes / max(perElement, 1), size <= limit.bytes else {
            throw TensorFileError(name, "holds \(shape) elements, more than the limit of \(limit)")
        }
        return shape
    }

    private static func elements(
        _ element: NumpyElement, _ shape: Shape, _ data: ArraySlice<UInt8>, _ name: String
    ) throws(TensorFileError) -> HostTensor {
        let type = TensorType(element.element, shape)
        guard element.form == .plain else {
            return HostTensor(type, strings: try strings(element, count: shape.count, data, name))
        }
        var tensor = HostTensor(zeros: type)
        unsafe tensor.withMutableBytes { target in unsafe target.copyBytes(from: data) }
        if element.isBigEndian { tensor.swapBytes(of: element.swappedSize) }
        if element.element == .bool { tensor.makeBoolsOneOrZero() }
        return tensor
    }

    private static func strings(
        _ element: NumpyElement, count: Int, _ data: ArraySlice<UInt8>, _ name: String
    ) throws(TensorFileError) -> [String] {
        var strings: [String] = []
        strings.reserveCapacity(count)
        for index in 0..<count {
            let bytes = data.dropFirst(index * element.size).prefix(element.size)
            let text = element.form == .bytes ? utf8(bytes) : scalars(bytes, element.isBigEndian)
            guard let text else { throw TensorFileError(name, "has an element \(index) that is no text") }
            strings.append(text)
        }
        return strings
    }

    private static func utf8(_ bytes: ArraySlice<UInt8>) -> String? {
        let end = bytes.lastIndex { $0 != 0 }
        return end.map { String(validating: bytes[...$0], as: UTF8.self) } ?? ""
    }

    private static func scalars(_ bytes: ArraySlice<UInt8>, _ isBigEndian: Bool) -> String? {
        var cursor = ByteCursor(bytes)
        var numbers: [UInt32] = []
        while let number = cursor.number(UInt32.self) {
            numbers.append(isBigEndian ? number.byteSwapped : number)
        }
        while numbers.last == 0 { numbers.removeLast() }
        var text = String.UnicodeScalarView()
        for number in numbers {
            guard let scalar = Unicode.Scalar(number) else { return nil }
            text.append(scalar)
        }
        return String(text)
    }
}

/// What the header of a .npy file says.
struct NumpyHeader {
    var element: NumpyElement
    var isFortran: Bool
    var extents: [Int]

    init(_ text: ArraySlice<UInt8>, _ name: String) throws(TensorFileError) {
        guard case .dictionary(let entries)? = PythonLiteral(parsing: text),
            let description = entries["descr"], case .bool(let isFortran)? = entries["fortran_order"],
            case .sequence(let items)? = entries["shape"]
        else { throw TensorFileError(name, "has a header that says no descr, fortran_order and shape") }
        guard case .string(let code) = description else {
            throw TensorFileError(name, "holds records, and only plain tensors are read")
        }
        guard let element = NumpyElement(description: code) else {
            throw TensorFileError(name, "holds elements of numpy's type \(code), which is none of ours")
        }
        self.element = element
        self.isFortran = isFortran
        extents = []
        for item in items {
            guard case .integer(let extent) = item else {
                throw TensorFileError(name, "has a shape that is no list of integers")
            }
            extents.append(extent)
        }
    }
}
