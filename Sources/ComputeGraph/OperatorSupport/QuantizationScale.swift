/// Which scale and zero point belong to an element of a quantized tensor.
///
/// There is one for the whole tensor, or one for each index along an axis, or one for each block of neighbours along
/// an axis.
struct QuantizationScale: Hashable, Sendable {
    /// Counts from the back where negative.
    var axis: Int
    /// 0 where scales are not by blocks.
    var blockSize: Int

    /// What keeps scales of this shape from fitting the tensor, as the end of a sentence.
    func fault(tensor: Shape, scales: Shape) -> String? {
        if isOne(scales) { return nil }
        guard let axis = resolvedAxis(tensor) else { return "axis \(axis) is not in a tensor of \(tensor)" }
        if blockSize == 0 {
            return scales == [tensor[axis]]
                ? nil
                : "\(scales) scales do not fit axis \(axis) of \(tensor): there is one for each index along it"
        }
        guard blockSize > 0 else { return "a block has at least one element, not \(blockSize)" }
        var wanted = tensor
        wanted.extents[axis] = blockCount(tensor[axis])
        return scales == wanted
            ? nil
            : "blocks of \(blockSize) along axis \(axis) of \(tensor) have \(wanted) scales, not \(scales)"
    }

    /// The index of the scale of each element; the shapes have no fault.
    func indices(tensor: Shape, scales: Shape) -> [Int] {
        guard !isOne(scales), let axis = resolvedAxis(tensor) else {
            return [Int](repeating: 0, count: tensor.count)
        }
        let view = AxisView(tensor, axis: axis)
        var indices: [Int] = []
        indices.reserveCapacity(tensor.count)
        for block in 0..<view.outer {
            for place in 0..<view.length {
                if blockSize == 0 {
                    indices += repeatElement(place, count: view.inner)
                } else {
                    let first = (block * blockCount(view.length) + place / blockSize) * view.inner
                    indices += first..<first + view.inner
                }
            }
        }
        return indices
    }

    private func isOne(_ scales: Shape) -> Bool { scales.rank <= 1 && scales.count == 1 }
    private func blockCount(_ extent: Int) -> Int { extent / blockSize + (extent % blockSize == 0 ? 0 : 1) }

    /// A tensor of one axis is quantized along that, whatever the attribute says.
    private func resolvedAxis(_ tensor: Shape) -> Int? {
        if tensor.rank == 1 { return 0 }
        guard axis >= -tensor.rank && axis < tensor.rank else { return nil }
        return axis < 0 ? axis + tensor.rank : axis
    }
}

extension Operator {
    /// Checks the scale and the zero point, if there is one, of a tensor whose quantized side has the type `element`.
    func requireScales(
        _ scale: QuantizationScale, tensor: Shape, _ inputs: ArraySlice<TensorType>, element: ElementType
    ) throws(GraphError) {
        guard let scales = inputs.first else { throw mismatch("the scale is missing") }
        if let fault = scale.fault(tensor: tensor, scales: scales.shape) { throw mismatch(fault) }
        guard let zeroPoints = inputs.dropFirst().first else { return }
        let bothOne = zeroPoints.shape.rank <= 1 && zeroPoints.shape.count == 1 && scales.shape.count == 1
        try require(
            zeroPoints.element == element && (bothOne || zeroPoints.shape == scales.shape),
            "the zero point is \(element)\(scales.shape), not \(zeroPoints)")
    }
}

extension ElementType {
    /// Whether tensors are quantized to this type.
    var isQuantized: Bool {
        switch self {
        case .float8e8m0, .int32, .uint32, .int64, .uint64: false
        case .float4e2m1, .float8e4m3fn, .float8e4m3fnuz, .float8e5m2, .float8e5m2fnuz: true
        default: isInteger
        }
    }

    /// The bounds of an integer type of at most 32 bits.
    var integerBounds: ClosedRange<Double> {
        let half = Double(sign: .plus, exponent: bitWidth - 1, significand: 1)
        return kind == .signed ? -half...half - 1 : 0...2 * half - 1
    }
}

extension HostTensor {
    /// A quantized tensor: each value rounded, ties to even, moved by its zero point and held inside the type's range.
    ///
    /// NaN counts as 0 where the type is an integer.
    init(_ type: TensorType, quantizing values: [Double], zeroPoints: [Double], saturating: Bool = true) {
        guard type.element.isInteger else {
            self.init(
                type, smallFloats: zip(values, zeroPoints).map { $0 + $1 }, saturating: saturating,
                rounding: .nearest)
            return
        }
        let bounds = type.element.integerBounds
        let moved = zip(values, zeroPoints).map { value, zeroPoint in
            let whole = value.isNaN ? 0 : value.rounded(.toNearestOrEven)
            return min(max(whole + zeroPoint, bounds.lowerBound), bounds.upperBound)
        }
        self.init(type, doubles: moved)
    }
}

extension TypeSet {
    /// What tensors are quantized to.
    static let quantized: TypeSet = [
        .smallIntegers, .bytes, TypeSet(.int16), TypeSet(.uint16), .float8, TypeSet(.float4e2m1),
    ]
    /// int8 and uint8.
    static let bytes: TypeSet = [TypeSet(.int8), TypeSet(.uint8)]
    /// The four float8 types that are numbers, not scales.
    static let float8: TypeSet = [
        TypeSet(.float8e4m3fn), TypeSet(.float8e4m3fnuz), TypeSet(.float8e5m2), TypeSet(.float8e5m2fnuz),
    ]
    /// float16, bfloat16 and float32.
    static let scales: TypeSet = [TypeSet(.float16), TypeSet(.bfloat16), TypeSet(.float32)]
}
