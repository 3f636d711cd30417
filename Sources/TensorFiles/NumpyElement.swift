internal import ComputeGraph

/// What the elements of a .npy file are: `<f4`, `|b1`, `>i8`, `<U12`.
struct NumpyElement: Hashable {
    enum Form: Hashable {
        /// Numbers as they lie in memory, once their bytes are in our order.
        case plain
        /// Text in a fixed number of bytes, filled up with zeros.
        case bytes
        /// Text in a fixed number of Unicode scalars of four bytes, filled up with zeros.
        case scalars
    }

    var element: ElementType
    var form: Form
    var isBigEndian: Bool
    /// The bytes of one element in the file.
    var size: Int

    /// Nil for what is no number, no text, or no type of ours.
    init?(description: String) {
        guard let order = description.first, "<>=|".contains(order) else { return nil }
        isBigEndian = order == ">"
        let code = description.dropFirst()
        switch code.first {
        case "U", "S", "a":
            guard let count = Int(code.dropFirst()), count >= 0 else { return nil }
            element = .string
            form = code.first == "U" ? .scalars : .bytes
            let (size, isTooLarge) = count.multipliedReportingOverflow(by: code.first == "U" ? 4 : 1)
            guard !isTooLarge else { return nil }
            self.size = size
        default:
            guard let element = Self.codes.first(where: { $0.value == code })?.key else { return nil }
            self.element = element
            form = .plain
            size = element.size
        }
    }

    /// How a type of numbers is written; nil where numpy has none.
    static func description(of element: ElementType) -> String? {
        codes[element].map { (element.size == 1 ? "|" : "<") + $0 }
    }

    private static let codes: [ElementType: String] = [
        .bool: "b1", .int8: "i1", .int16: "i2", .int32: "i4", .int64: "i8", .uint8: "u1", .uint16: "u2",
        .uint32: "u4", .uint64: "u8", .float16: "f2", .float32: "f4", .float64: "f8", .complex64: "c8",
        .complex128: "c16",
    ]

    /// The bytes whose order counts: a complex number is two numbers.
    var swappedSize: Int {
        switch element {
        case .complex64: 4
        case .complex128: 8
        default: size
        }
    }
}
