internal import ComputeGraph

extension HostTensor {
    /// Turns the bytes of each group of `size` around.
    mutating func swapBytes(of size: Int) {
        unsafe withMutableBytes { bytes in
            for start in stride(from: 0, to: bytes.count, by: size) {
                unsafe bytes[start..<start + size].reverse()
            }
        }
    }

    /// Makes every byte that is not 0 a 1, as we have bools in memory.
    mutating func makeBoolsOneOrZero() {
        withMutableElements(UInt8.self) { span in
            for index in span.indices { span[index] = min(span[index], 1) }
        }
    }

    /// The tensor with its axes in reverse order.
    func transposed() -> HostTensor {
        let result = TensorType(type.element, Shape(type.shape.extents.reversed()))
        if type.element == .string {
            let strings = strings
            return HostTensor(result, strings: reversedAxes().map { strings[$0] })
        }
        return switch type.element.size {
        case 16: transposed(UInt128.self, to: result)
        case 8: transposed(UInt64.self, to: result)
        case 4: transposed(UInt32.self, to: result)
        case 2: transposed(UInt16.self, to: result)
        default: transposed(UInt8.self, to: result)
        }
    }

    private func transposed<Element: BitwiseCopyable>(
        _ element: Element.Type, to type: TensorType
    ) -> HostTensor {
        var result = HostTensor(zeros: type)
        withElements(element) { from in
            result.withMutableElements(element) { to in
                for (index, source) in reversedAxes().enumerated() { to[index] = from[source] }
            }
        }
        return result
    }

    private func reversedAxes() -> ReversedAxes { ReversedAxes(type.shape) }
}

/// For each element of a transposed tensor, in its order, where it lies in the tensor.
private struct ReversedAxes: Sequence, IteratorProtocol {
    private let extents: [Int]
    private let strides: [Int]
    private var coordinates: [Int]
    private var index = 0
    private var left: Int

    init(_ shape: Shape) {
        extents = shape.extents.reversed()
        strides = shape.strides.reversed()
        coordinates = extents.map { _ in 0 }
        left = shape.count
    }

    mutating func next() -> Int? {
        guard left > 0 else { return nil }
        defer { step() }
        left -= 1
        return index
    }

    private mutating func step() {
        for axis in extents.indices.reversed() {
            coordinates[axis] += 1
            index += strides[axis]
            if coordinates[axis] < extents[axis] { return }
            index -= strides[axis] * extents[axis]
            coordinates[axis] = 0
        }
    }
}
