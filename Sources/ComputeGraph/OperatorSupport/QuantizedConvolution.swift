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
        .autoPad, .dilations, .int("group", 1, "into how many groups channels and filters are divided"),
        .kernelShape, .pads, .strides,
    ]
}

extension OperatorCall {
    /// The convolution that the attributes describe, with the pads that `auto_pad` asks for.
    func quantizedConvolution(x: Shape, weights: Shape) throws(GraphError) -> Conv {
        let window = try window(
            kernel: try kernelShape(ofWeights: weights), over: Array(x.extents.dropFirst(2)))
        return Conv(
            strides: window.strides, pads: window.pads, dilations: window.dilations, group: try int("group"))
    }
}
