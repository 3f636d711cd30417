/// ONNX's `QLinearConv`: a convolution of quantized tensors, quantized again.
///
/// Inputs: x with its scale and zero point, the weights with their own, the scale and zero point of the output, and if
/// wanted an int32 bias in units of `x scale * weight scale`. Only the weights' scale and zero point may differ, by
/// filter. Sums are exact; a sum times `x scale * weight scale / output scale`, taken in float64, is rounded with ties
/// to even. Padding counts as the zero point of x.
package struct QLinearConv: Operator {
    package static let name = "QLinearConv"
    package var convolution: Conv

    package init(_ convolution: Conv = Conv()) { self.convolution = convolution }

    package func outputTypes(of inputs: [TensorType]) throws(GraphError) -> [TensorType] {
        try requireInputs(inputs, 8...9)
        let (x, weights) = (inputs[0], inputs[3])
        let shape = try convolvedShape(convolution, x, weights)
        for index in [1, 4, 6] {
            try require(inputs[index].element == .float32, "a scale is float32, not \(inputs[index])")
        }
        try require(inputs[2].element == x.element, "the zero point of \(x) is not \(inputs[2])")
        try require(inputs[5].element == weights.element, "the zero point of \(weights) is not \(inputs[5])")
        try requireBytes(inputs[7], "the zero point of the output")
        for index in [1, 2, 6, 7] { try requireScalar(inputs[index], "a scale or zero point") }
        for index in 4...5 {
            try requireByFilter(inputs[index], weights, "a scale or zero point of the weights")
        }
        if inputs.count > 8 {
            try require(inputs[8].element == .int32, "the bias is int32, not \(inputs[8])")
            try requireShape(inputs[8], [weights.shape[0]], "the bias")
        }
        return [TensorType(inputs[7].element, shape)]
    }

    package func reference(_ inputs: [HostTensor]) -> [HostTensor] {
        let type = knownOutputTypes(inputs)[0]
        let sums = QuantizedConvolution.sums(
            convolution, x: inputs[0], xZeroPoint: inputs[2], weights: inputs[3], weightZeroPoint: inputs[5])
        let (xScale, outputScale) = (inputs[1].doubles[0], inputs[6].doubles[0])
        let factors = inputs[4].doubles.map { xScale * $0 / outputScale }
        let bias = inputs.count > 8 ? inputs[8].doubles : nil
        let plane = type.shape.extents.dropFirst(2).reduce(1, *)
        let values = sums.enumerated().map { index, sum in
            let filter = index / plane % type.shape[1]
            return (sum + (bias?[filter] ?? 0)) * factors[factors.count == 1 ? 0 : filter]
        }
        let zeroPoints = [Double](repeating: inputs[7].doubles[0], count: values.count)
        return [HostTensor(type, quantizing: values, zeroPoints: zeroPoints)]
    }

    package func exactness(for inputs: [TensorType]) -> Exactness { .exact }

    package func floatingPointOperations(inputs: [TensorType], outputs: [TensorType]) -> Int {
        convolution.floatingPointOperations(inputs: [inputs[0], inputs[3]], outputs: outputs)
    }
}

extension QLinearConv: ModelOperator {
    package static let schema = OperatorSchema(
        "QLinearConv", since: 10, "A convolution of quantized tensors, quantized again.",
        inputs: [
            .required("x", .bytes, "[batch, channels, spatial axes...]"),
            .required("x_scale", .float32, "one number"),
            .required("x_zero_point", .bytes, "one number"),
            .required("w", .bytes, "[filters, channels / group, spatial axes...]"),
            .required("w_scale", .float32, "one number, or one for each filter"),
            .required("w_zero_point", .bytes, "as w_scale"),
            .required("y_scale", .float32, "one number"),
            .required("y_zero_point", .bytes, "one number of the type of y"),
            .optional("B", TypeSet(.int32), "[filters], in units of x_scale * w_scale"),
        ],
        outputs: [.required("y", .bytes, "[batch, filters, spatial axes...]")],
        attributes: .quantizedConvolution)

    package func written(inputs: [TensorType], outputs: [TensorType]) -> WrittenCall? {
        guard let attributes = convolution.attributes(of: Self.schema) else { return nil }
        return WrittenCall(
            Self.schema, attributes: attributes, inputs: inputs.indices.map { .operand($0) })
    }

    package static func build(_ call: OperatorCall, in graph: inout GraphBuilder) throws -> [GraphValue] {
        var inputs: [ValueID] = []
        for index in 0..<8 { inputs.append(try call.input(index)) }
        if let bias = try call.optional(8) { inputs.append(bias) }
        let convolution = try call.quantizedConvolution(
            x: graph.type(of: inputs[0]).shape, weights: graph.type(of: inputs[3]).shape)
        return [.tensor(try graph.add(QLinearConv(convolution), inputs))]
    }
}
