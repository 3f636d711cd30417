/// The element types of tensors.
///
/// The raw values are ONNX's, so that they never need a second table. Types of fewer than 8 bits take a byte for each
/// element in memory, and are packed only in files. Strings are no bytes: they lie beside the memory of a tensor, and
/// never on a device.
package enum ElementType: Int32, Codable, Sendable, CaseIterable {
    case float32 = 1
    case uint8 = 2
    case int8 = 3
    case uint16 = 4
    case int16 = 5
    case int32 = 6
    case int64 = 7
    case string = 8
    case bool = 9
    case float16 = 10
    case float64 = 11
    case uint32 = 12
    case uint64 = 13
    case complex64 = 14
    case complex128 = 15
    case bfloat16 = 16
    case float8e4m3fn = 17
    case float8e4m3fnuz = 18
    case float8e5m2 = 19
    case float8e5m2fnuz = 20
    case uint4 = 21
    case int4 = 22
    case float4e2m1 = 23
    case float8e8m0 = 24
    case uint2 = 25
    case int2 = 26

    /// The bytes of one element in memory; 0 for strings.
    package var size: Int {
        switch self {
        case .complex128: 16
        case .float64, .int64, .uint64, .complex64: 8
        case .float32, .int32, .uint32: 4
        case .float16, .bfloat16, .int16, .uint16: 2
        case .uint8, .int8, .bool, .uint4, .int4, .uint2, .int2: 1
        case .float8e4m3fn, .float8e4m3fnuz, .float8e5m2, .float8e5m2fnuz, .float8e8m0, .float4e2m1: 1
        case .string: 0
        }
    }

    /// What kind of values the type holds.
    package enum Kind: Hashable, Sendable {
        case floating, signed, unsigned, bool, string, complex
    }

    package var kind: Kind {
        switch self {
        case .float16, .bfloat16, .float32, .float64: .floating
        case .float8e4m3fn, .float8e4m3fnuz, .float8e5m2, .float8e5m2fnuz, .float8e8m0, .float4e2m1: .floating
        case .int2, .int4, .int8, .int16, .int32, .int64: .signed
        case .uint2, .uint4, .uint8, .uint16, .uint32, .uint64: .unsigned
        case .bool: .bool
        case .string: .string
        case .complex64, .complex128: .complex
        }
    }

    /// Whether the type holds fractions.
    package var isFloating: Bool { kind == .floating }
    package var isInteger: Bool { kind == .signed || kind == .unsigned }

    /// The bits of one element as files pack it; 0 for strings.
    package var bitWidth: Int {
        switch self {
        case .uint2, .int2: 2
        case .uint4, .int4, .float4e2m1: 4
        default: size * 8
        }
    }
}

/// The extents of a tensor, outermost first; row-major, dense.
///
/// The empty shape is a scalar.
package struct Shape: Hashable, Codable, Sendable, ExpressibleByArrayLiteral, CustomStringConvertible {
    package var extents: [Int]

    package init(_ extents: [Int]) {
        precondition(extents.allSatisfy { $0 >= 0 }, "an extent is not negative")
        self.extents = extents
    }
    package init(arrayLiteral elements: Int...) { self.init(elements) }

    /// The shape of extents that come from a file or a user: negative or too many elements to count are refused.
    package init(checking extents: [Int]) throws(GraphError) {
        guard extents.allSatisfy({ $0 >= 0 }), Shape.count(of: extents) != nil else {
            throw .impossibleShape(extents)
        }
        self.init(extents)
    }

    /// The product of extents, or nil above `maximalCount`.
    ///
    /// A shape without elements passes only if its other extents do, so that products of parts never overflow.
    private static func count(of extents: [Int]) -> Int? {
        var count = 1
        for extent in extents where extent != 0 {
            let (product, overflow) = count.multipliedReportingOverflow(by: extent)
            guard !overflow, product <= maximalCount else { return nil }
            count = product
        }
        return count
    }

    /// The most elements that a shape may have: more than any machine holds, and far from overflow.
    package static let maximalCount = 1 << 44

    package var rank: Int { extents.count }
    /// The number of elements; beyond all that a checked shape may have it stays at a number that no limit allows.
    package var count: Int {
        extents.contains(0) ? 0 : extents.reduce(1) { min(1 << 56, $0.saturatingProduct($1)) }
    }
    /// Whether the shape has no more elements than a checked one.
    package var isPossible: Bool { Shape.count(of: extents) != nil }
    package subscript(axis: Int) -> Int { extents[axis] }
    package var description: String { "[" + extents.map(String.init).joined(separator: "x") + "]" }

    /// Elements between neighbours along each axis.
    package var strides: [Int] {
        var strides = extents
        var step = 1
        for axis in extents.indices.reversed() {
            strides[axis] = step
            step &*= extents[axis]
        }
        return strides
    }

    /// The shape two operands take together by NumPy's broadcasting rule, or nil.
    ///
    /// There is none where they do not fit, or would have too many elements together.
    package func broadcast(with other: Shape) -> Shape? {
        var result: [Int] = []
        for back in 1...max(rank, other.rank, 1) where back <= max(rank, other.rank) {
            let left = back <= rank ? extents[rank - back] : 1
            let right = back <= other.rank ? other.extents[other.rank - back] : 1
            guard left == right || left == 1 || right == 1 else { return nil }
            result.append(left == 1 ? right : left)
        }
        return try? Shape(checking: result.reversed())
    }
}

/// What a value in a graph is: element type and shape.
package struct TensorType: Hashable, Codable, Sendable, CustomStringConvertible {
    package var element: ElementType
    package var shape: Shape

    package init(_ element: ElementType, _ shape: Shape) {
        self.element = element
        self.shape = shape
    }

    package static func float32(_ extents: Int...) -> TensorType { TensorType(.float32, Shape(extents)) }
    package static func int64(_ extents: Int...) -> TensorType { TensorType(.int64, Shape(extents)) }

    package var byteCount: Int { shape.count * element.size }
    package var description: String { "\(element)\(shape)" }
}
