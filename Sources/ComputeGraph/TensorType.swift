/// The element types of tensors.
///
/// The raw values are ONNX's, so that they never need a second table.
package enum ElementType: Int32, Codable, Sendable, CaseIterable {
    case float32 = 1
    case uint8 = 2
    case int8 = 3
    case int32 = 6
    case int64 = 7
    case bool = 9
    case float64 = 11

    package var size: Int {
        switch self {
        case .float64, .int64: 8
        case .float32, .int32: 4
        case .uint8, .int8, .bool: 1
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

    package var rank: Int { extents.count }
    package var count: Int { extents.reduce(1, *) }
    package subscript(axis: Int) -> Int { extents[axis] }
    package var description: String { "[" + extents.map(String.init).joined(separator: "x") + "]" }

    /// Elements between neighbours along each axis.
    package var strides: [Int] {
        var strides = extents
        var step = 1
        for axis in extents.indices.reversed() {
            strides[axis] = step
            step *= extents[axis]
        }
        return strides
    }

    /// The shape two operands take together by NumPy's broadcasting rule, or nil when they do not fit.
    package func broadcast(with other: Shape) -> Shape? {
        var result: [Int] = []
        for back in 1...max(rank, other.rank, 1) where back <= max(rank, other.rank) {
            let left = back <= rank ? extents[rank - back] : 1
            let right = back <= other.rank ? other.extents[other.rank - back] : 1
            guard left == right || left == 1 || right == 1 else { return nil }
            result.append(left == 1 ? right : left)
        }
        return Shape(result.reversed())
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
