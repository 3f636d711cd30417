/// ONNX's `ConvInteger`: a convolution of 8-bit integers as int32.
///
/// Inputs: x, the weights and up to two zero points, of x one, of the weights one or one for each filter. Sums are
/// exact and keep their low 32 bits; padding counts as the zero point.
package struct ConvInteger: Operator {
    package static let name = "ConvInteger"
    package var convolution: Conv

    package init(_ convolution: Conv = Conv()) { self.convolution = convolution }

    package func outputTypes(of inputs: [TensorType]) throws(GraphError) -> [TensorType] {
        try requireInputs(inputs, 2...4)
        let shape = try convolvedShape(convolution, inputs[0], inputs[1])
        for (operand, zeroPoint) in zip(inputs, inputs.dropFirst(2)) {
            try require(
                operand.element == zeroPoint.element, "the zero point of \(operand) is not \(zeroPoint)")
        }
        if inputs.count > 2 { try requireScalar(inputs[2], "the zero point of the input") }
        if inputs.count > 3 { try requireByFilter(inputs[3], inputs[1], "the zero point of the weights") }
        return [TensorType(.int32, shape)]
    }

    package func reference(_ inputs: [HostTensor]) -> [HostTensor] {
        let sums = QuantizedConvolution.sums(
            convolution, x: inputs[0], xZeroPoint: inputs.count > 2 ? inputs[2] : nil,
            weights: inputs[1], weightZeroPoint: inputs.count > 3 ? inputs[3] : nil)
        return [HostTensor(knownOutputTypes(inputs)[0], wrapping: sums.map { Int128($0) })]
    }

    package func exactness(for inputs: [TensorType]) -> Exactness { .exact }

    package func floatingPointOperations(inputs: [TensorType], outputs: [TensorType]) -> Int {
        convolution.floatingPointOperations(inputs: Array(inputs.prefix(2)), outputs: outputs)
    }
}

extension ConvInteger: ModelOperator {
    package static let schema = OperatorSchema(
        "ConvInteger", since: 10, "A convolution of 8-bit integers, exact in 32 bits.",
        inputs: [
            .required("x", .bytes, "[batch, channels, spatial axes...]"),
            .required("w", .bytes, "[filters, channels / group, spatial axes...]"),
            .optional("x_zero_point", .bytes, "one number"),
            .optional("w_zero_point", .bytes, "one number, or one for each filter"),
        ],
        outputs: [.required("y", TypeSet(.int32), "[batch, filters, spatial axes...]")],
        attributes: .quantizedConvolution)

    package func written(inputs: [TensorType], outputs: [TensorType]) -> WrittenCall? {
        guard let attributes = convolution.attributes(of: Self.schema) else { return nil }
        return WrittenCall(
            Self.schema, attributes: attributes, inputs: inputs.indices.map { .operand($0) })
    }

    package static func build(_ call: OperatorCall, in graph: inout GraphBuilder) throws -> [GraphValue] {
        let inputs = try call.operandsWithZeroPoints(2, zeroPointsOf: [0, 1], in: &graph)
        let convolution = try call.quantizedConvolution(
            x: graph.type(of: inputs[0]).shape, weights: graph.type(of: inputs[1]).shape)
        return [.tensor(try graph.add(ConvInteger(convolution), inputs))]
    }
}
