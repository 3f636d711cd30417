extension ElementType {
    /// Whether the type holds fractions, and so can be differentiated.
    package var isFloating: Bool { self == .float32 || self == .float64 }
}

extension HostTensor {
    /// The elements as doubles, whatever their type; true is 1.
    package var doubles: [Double] {
        switch type.element {
        case .float64: elements(Double.self)
        case .float32: elements(Float.self).map(Double.init)
        case .int64: elements(Int64.self).map(Double.init)
        case .int32: elements(Int32.self).map(Double.init)
        case .int8: elements(Int8.self).map(Double.init)
        case .uint8, .bool: elements(UInt8.self).map(Double.init)
        }
    }

    /// A tensor of the given values, each rounded to the element type once.
    ///
    /// To an integer type a value is cut towards zero and held inside the type's range, and NaN becomes 0; to
    /// bool every value but 0 becomes true.
    package init(_ type: TensorType, doubles: [Double]) {
        self.init(zeros: type)
        precondition(doubles.count == type.shape.count, "\(doubles.count) values do not fit \(type)")
        switch type.element {
        case .float64: fill(Double.self, from: doubles) { $0 }
        case .float32: fill(Float.self, from: doubles) { Float($0) }
        case .int64: fill(Int64.self, from: doubles, convert: saturated)
        case .int32: fill(Int32.self, from: doubles, convert: saturated)
        case .int8: fill(Int8.self, from: doubles, convert: saturated)
        case .uint8: fill(UInt8.self, from: doubles, convert: saturated)
        case .bool: fill(UInt8.self, from: doubles) { $0 == 0 ? 0 : 1 }
        }
    }

    /// A scalar of a floating type.
    package static func scalar(_ value: Double, _ element: ElementType) -> HostTensor {
        HostTensor(TensorType(element, []), doubles: [value])
    }

    /// The indices a tensor of int64 or int32 holds.
    var indices: [Int] {
        type.element == .int32 ? elements(Int32.self).map(Int.init) : integers.map(Int.init)
    }

    private mutating func fill<Element: BitwiseCopyable>(
        _ element: Element.Type, from doubles: [Double], convert: (Double) -> Element
    ) {
        withMutableElements(element) { span in
            for index in doubles.indices { span[index] = convert(doubles[index]) }
        }
    }

    /// A tensor whose element `i` is element `source(i)` of this one, or zero where that is nil.
    ///
    /// Every operator that only moves data is this one loop with its own index rule.
    func moved(to type: TensorType, source: (Int) -> Int?) -> HostTensor {
        precondition(type.element == self.type.element, "moving data keeps the element type")
        return switch type.element.size {
        case 8: moved(UInt64.self, to: type, source: source)
        case 4: moved(UInt32.self, to: type, source: source)
        default: moved(UInt8.self, to: type, source: source)
        }
    }

    private func moved<Element: BitwiseCopyable>(
        _ element: Element.Type, to type: TensorType, source: (Int) -> Int?
    ) -> HostTensor {
        var result = HostTensor(zeros: type)
        withElements(element) { from in
            result.withMutableElements(element) { to in
                for index in 0..<to.count {
                    if let origin = source(index) { to[index] = from[origin] }
                }
            }
        }
        return result
    }
}

private func saturated<Integer: FixedWidthInteger>(_ value: Double) -> Integer {
    if value.isNaN { return 0 }
    return Integer(exactly: value.rounded(.towardZero)) ?? (value < 0 ? .min : .max)
}
