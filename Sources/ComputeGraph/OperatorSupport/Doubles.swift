extension HostTensor {
    /// The elements as doubles, whatever their type; true is 1.
    package var doubles: [Double] {
        switch type.element {
        case .float64: elements(Double.self)
        case .float32: elements(Float.self).map(Double.init)
        case .float16: elements(Float16.self).map(Double.init)
        case .bfloat16: elements(UInt16.self).map { Double(Float(bitPattern: UInt32($0) << 16)) }
        case .int64: elements(Int64.self).map(Double.init)
        case .uint64: elements(UInt64.self).map { Double($0) }
        case .int32: elements(Int32.self).map(Double.init)
        case .uint32: elements(UInt32.self).map(Double.init)
        case .int16: elements(Int16.self).map(Double.init)
        case .uint16: elements(UInt16.self).map(Double.init)
        case .int8, .int4, .int2: elements(Int8.self).map(Double.init)
        case .uint8, .uint4, .uint2, .bool: elements(UInt8.self).map(Double.init)
        case .float8e4m3fn, .float8e4m3fnuz, .float8e5m2, .float8e5m2fnuz, .float8e8m0, .float4e2m1:
            smallFloats
        case .string, .complex64, .complex128: preconditionFailure("\(type) has no doubles")
        }
    }

    /// A tensor of the given values, each rounded to the element type once.
    ///
    /// To an integer type a value is cut towards zero and held inside the type's range, and NaN becomes 0; to
    /// bool every value but 0 becomes true; to a float of 8 or fewer bits it saturates.
    package init(_ type: TensorType, doubles: [Double]) {
        self.init(zeros: type)
        precondition(doubles.count == type.shape.count, "\(doubles.count) values do not fit \(type)")
        switch type.element {
        case .float64: fill(Double.self, from: doubles) { $0 }
        case .float32: fill(Float.self, from: doubles) { Float($0) }
        case .float16: fill(Float16.self, from: doubles) { Float16($0) }
        case .bfloat16: fill(UInt16.self, from: doubles) { UInt16(truncatingIfNeeded: bfloat16Bits($0)) }
        case .int64: fill(Int64.self, from: doubles, convert: saturated)
        case .uint64: fill(UInt64.self, from: doubles, convert: saturated)
        case .int32: fill(Int32.self, from: doubles, convert: saturated)
        case .uint32: fill(UInt32.self, from: doubles, convert: saturated)
        case .int16: fill(Int16.self, from: doubles, convert: saturated)
        case .uint16: fill(UInt16.self, from: doubles, convert: saturated)
        case .int8: fill(Int8.self, from: doubles, convert: saturated)
        case .uint8: fill(UInt8.self, from: doubles, convert: saturated)
        case .int4: fill(Int8.self, from: doubles) { min(max(saturated($0), -8), 7) }
        case .uint4: fill(UInt8.self, from: doubles) { min(saturated($0), 15) }
        case .int2: fill(Int8.self, from: doubles) { min(max(saturated($0), -2), 1) }
        case .uint2: fill(UInt8.self, from: doubles) { min(saturated($0), 3) }
        case .bool: fill(UInt8.self, from: doubles) { $0 == 0 ? 0 : 1 }
        case .float8e4m3fn, .float8e4m3fnuz, .float8e5m2, .float8e5m2fnuz, .float8e8m0, .float4e2m1:
            self.init(type, smallFloats: doubles, saturating: true, rounding: .nearest)
        case .string, .complex64, .complex128: preconditionFailure("\(type) is not made of doubles")
        }
    }

    /// A tensor of a floating type of 8 or fewer bits, rounded as `SmallFloatFormat` says.
    init(_ type: TensorType, smallFloats doubles: [Double], saturating: Bool, rounding: ScaleRounding) {
        self.init(zeros: type)
        precondition(doubles.count == type.shape.count, "\(doubles.count) values do not fit \(type)")
        let format = SmallFloatFormat(type.element)
        fill(UInt8.self, from: doubles) { format.bits(of: $0, saturating: saturating, rounding: rounding) }
    }

    private var smallFloats: [Double] {
        let values = SmallFloatFormat(type.element).values
        return elements(UInt8.self).map { values[Int($0)] }
    }

    /// The elements of an integer or bool tensor, exactly, whatever its width.
    package var wholes: [Int128] {
        switch type.element {
        case .int64: elements(Int64.self).map { Int128($0) }
        case .uint64: elements(UInt64.self).map { Int128($0) }
        case .int32: elements(Int32.self).map { Int128($0) }
        case .uint32: elements(UInt32.self).map { Int128($0) }
        case .int16: elements(Int16.self).map { Int128($0) }
        case .uint16: elements(UInt16.self).map { Int128($0) }
        case .int8, .int4, .int2: elements(Int8.self).map { Int128($0) }
        case .uint8, .uint4, .uint2, .bool: elements(UInt8.self).map { Int128($0) }
        default: preconditionFailure("\(type) does not hold integers")
        }
    }

    /// A tensor of integers, each cut to the low bits of the element type, as two's complement wraps around.
    ///
    /// To bool every value but 0 becomes true.
    package init(_ type: TensorType, wrapping wholes: [Int128]) {
        self.init(zeros: type)
        precondition(wholes.count == type.shape.count, "\(wholes.count) values do not fit \(type)")
        switch type.element {
        case .int64: fill(Int64.self, from: wholes) { Int64(truncatingIfNeeded: $0) }
        case .uint64: fill(UInt64.self, from: wholes) { UInt64(truncatingIfNeeded: $0) }
        case .int32: fill(Int32.self, from: wholes) { Int32(truncatingIfNeeded: $0) }
        case .uint32: fill(UInt32.self, from: wholes) { UInt32(truncatingIfNeeded: $0) }
        case .int16: fill(Int16.self, from: wholes) { Int16(truncatingIfNeeded: $0) }
        case .uint16: fill(UInt16.self, from: wholes) { UInt16(truncatingIfNeeded: $0) }
        case .int8: fill(Int8.self, from: wholes) { Int8(truncatingIfNeeded: $0) }
        case .uint8: fill(UInt8.self, from: wholes) { UInt8(truncatingIfNeeded: $0) }
        case .int4: fill(Int8.self, from: wholes) { Int8(truncatingIfNeeded: $0 << 4) >> 4 }
        case .uint4: fill(UInt8.self, from: wholes) { UInt8(truncatingIfNeeded: $0) & 15 }
        case .int2: fill(Int8.self, from: wholes) { Int8(truncatingIfNeeded: $0 << 6) >> 6 }
        case .uint2: fill(UInt8.self, from: wholes) { UInt8(truncatingIfNeeded: $0) & 3 }
        case .bool: fill(UInt8.self, from: wholes) { $0 == 0 ? 0 : 1 }
        default: preconditionFailure("\(type) does not hold integers")
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

    private mutating func fill<Element: BitwiseCopyable, Value>(
        _ element: Element.Type, from values: [Value], convert: (Value) -> Element
    ) {
        withMutableElements(element) { span in
            for index in values.indices { span[index] = convert(values[index]) }
        }
    }

    /// A tensor whose element `i` is element `source(i)` of this one, or zero where that is nil.
    ///
    /// Every operator that only moves data is this one loop with its own index rule.
    package func moved(to type: TensorType, source: (Int) -> Int?) -> HostTensor {
        precondition(type.element == self.type.element, "moving data keeps the element type")
        return switch type.element.size {
        case 0: HostTensor(type, strings: movedStrings(count: type.shape.count, source))
        case 16: moved(UInt128.self, to: type, source: source)
        case 8: moved(UInt64.self, to: type, source: source)
        case 4: moved(UInt32.self, to: type, source: source)
        case 2: moved(UInt16.self, to: type, source: source)
        default: moved(UInt8.self, to: type, source: source)
        }
    }

    private func movedStrings(count: Int, _ source: (Int) -> Int?) -> [String] {
        let from = strings
        return (0..<count).map { index in source(index).map { from[$0] } ?? "" }
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
