/// What convolutions of quantized tensors share: differences to zero points, and attributes.
///
/// The sums are those of `Conv` in doubles, where they are exact: a product of two differences of 8-bit integers is
/// below 2^17, so that 2^36 terms fit. Padding counts as the zero point.
enum QuantizedConvolution {
    /// The exact sums of a convolution, in the order of its output.
    static func sums(
        _ convolution: Conv, x: HostTensor, xZeroPoint: HostTensor?, weights: HostTensor,
        weightZeroPoint: HostTensor?
    ) -> [Double] {
        let inputs = [centred(x, zeroPoint: xZeroPoint), centred(weights, zeroPoint: weightZeroPoint)]
        return convolution.reference(inputs)[0].doubles
    }

    /// The differences of the elements to one zero point, or to one for each index along the first axis.
    private static func centred(_ tensor: HostTensor, zeroPoint: HostTensor?) -> HostTensor {
        let zeroPoints = zeroPoint?.doubles ?? [0]
        let row = tensor.type.shape.count / max(zeroPoints.count, 1)
        let values = tensor.doubles.enumerated().map { $1 - zeroPoints[zeroPoints.count == 1 ? 0 : $0 / row] }
        return HostTensor(TensorType(.float64, tensor.type.shape), doubles: values)
    }
}

extension Operator {
    /// The shape of a convolution's output.
    func convolvedShape(_ convolution: Conv, _ x: TensorType, _ weights: TensorType) throws(GraphError)
        -> Shape
    {
        try requireBytes(x, "the input")
        try requireBytes(weights, "the weight tensor")
        return try convolution.outputTypes(of: [x, weights].map { TensorType(.float64, $0.shape) })[0].shape
    }

    /// Checks a number that belongs to the whole weight tensor or to each filter.
    func requireByFilter(_ numbers: TensorType, _ weights: TensorType, _ what: String) throws(GraphError) {
        let isOne = numbers.shape.rank <= 1 && numbers.shape.count == 1
        try require(
            isOne || numbers.shape == [weights.shape[0]],
            "\(what) is one number, or one for each of the \(weights.shape[0]) filters, not \(numbers)")
    }
}

extension [OperatorSchema.AttributeParameter] {
    /// The attributes of convolutions of quantized tensors.
    static let quantizedConvolution: Self = [
        .string("auto_pad", "NOTSET", "NOTSET, SAME_UPPER, SAME_LOWER or VALID"),
        .ints("dilations", nil, "the distance of neighbouring taps along each spatial axis; 1 by default"),
        .int("group", 1, "into how many groups channels and filters are divided"),
        .ints("kernel_shape", nil, "the spatial extents of w"),
        .ints("pads", nil, "the padding before each spatial axis, then after each; 0 by default"),
        .ints("strides", nil, "the step along each spatial axis; 1 by default"),
    ]
}

extension OperatorCall {
    /// The convolution that the attributes describe, with the pads that `auto_pad` asks for.
    func quantizedConvolution(x: Shape, weights: Shape) throws(GraphError) -> Conv {
        try require(
            x.rank >= 3 && weights.rank == x.rank,
            "the shapes \(x) and \(weights) are not those of a convolution")
        let extents = Array(x.extents.dropFirst(2))
        let ones = extents.map { _ in 1 }
        var pads = try listed("pads") ?? extents.flatMap { _ in [0, 0] }
        let strides = try listed("strides") ?? ones
        let dilations = try listed("dilations") ?? ones
        for (list, count) in [
            (pads, 2 * extents.count), (strides, extents.count), (dilations, extents.count),
        ] {
            try require(
                list.count == count && list.allSatisfy { $0 >= 0 && $0 < 1 << 30 },
                "\(list) does not fit \(extents.count) spatial axes")
        }
        switch try string("auto_pad") {
        case "NOTSET": break
        case "VALID": pads = pads.map { _ in 0 }
        case let mode where mode == "SAME_UPPER" || mode == "SAME_LOWER":
            for axis in extents.indices {
                let stride = max(strides[axis], 1)
                let reach = (max(weights[axis + 2], 1) - 1) * dilations[axis] + 1
                let total = max(
                    0, ((extents[axis] + stride - 1) / stride - 1) * stride + reach - extents[axis])
                let front = mode == "SAME_UPPER" ? total / 2 : total - total / 2
                pads[axis] = front
                pads[axis + extents.count] = total - front
            }
        case let mode: throw error("auto_pad is NOTSET, SAME_UPPER, SAME_LOWER or VALID, not \(mode)")
        }
        return Conv(strides: strides, pads: pads, dilations: dilations, group: try int("group"))
    }

    private func listed(_ name: String) throws(GraphError) -> [Int]? {
        guard let list = try optionalInts(name), !list.isEmpty else { return nil }
        return list
    }
}
