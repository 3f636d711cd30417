/// ONNX's `DequantizeLinear`: the difference to a zero point, times a scale.
///
/// Inputs: the tensor, the scale, and a zero point if there is one.
package struct DequantizeLinear: Operator {
    package static let name = "DequantizeLinear"
    package var output: ElementType
    package var axis: Int
    /// How many neighbours along the axis share a scale; 0 where scales are not by blocks.
    package var blockSize: Int

    package init(output: ElementType = .float32, axis: Int = 1, blockSize: Int = 0) {
        self.output = output
        self.axis = axis
        self.blockSize = blockSize
    }

    private var scale: QuantizationScale { QuantizationScale(axis: axis, blockSize: blockSize) }

    package func outputTypes(of inputs: [TensorType]) throws(GraphError) -> [TensorType] {
        try requireInputs(inputs, 2...3)
        let (x, scales) = (inputs[0], inputs[1])
        try require(x.element.isQuantized || x.element == .int32, "does not take \(x)")
        try require(
            TypeSet.scales.contains(scales.element) || scales.element == .float8e8m0,
            "a scale is not \(scales)")
        try require(TypeSet.scales.contains(output), "does not give \(output)")
        try requireScales(scale, tensor: x.shape, inputs.dropFirst(), element: x.element)
        return [TensorType(output, x.shape)]
    }

    package func reference(_ inputs: [HostTensor]) -> [HostTensor] {
        let shape = inputs[0].type.shape
        let scales = inputs[1].doubles
        let zeroPoints = inputs.count > 2 ? inputs[2].doubles : scales.map { _ in 0 }
        let places = scale.indices(tensor: shape, scales: inputs[1].type.shape)
        let values = zip(inputs[0].doubles, places).map { ($0 - zeroPoints[$1]) * scales[$1] }
        return [HostTensor(TensorType(output, shape), doubles: values)]
    }

    package func exactness(for inputs: [TensorType]) -> Exactness {
        // One rounding of the narrower types is far above that of float32.
        switch output {
        case .bfloat16: .within(relative: 0x1p-7, absolute: 1e-6)
        case .float16: .within(relative: 0x1p-10, absolute: 1e-6)
        default: .rounding
        }
    }
}

extension DequantizeLinear: ModelOperator {
    package static let schema = OperatorSchema(
        "DequantizeLinear", since: 10,
        "The difference of a quantized tensor to its zero point, times its scale.",
        inputs: [
            .required("x", [.quantized, TypeSet(.int32)], "any shape"),
            .required(
                "x_scale", [.scales, TypeSet(.float8e8m0)],
                "one number, one for each index along axis, or one for each block"),
            .optional(
                "x_zero_point", [.quantized, TypeSet(.int32)], "the shape of x_scale; 0 where it is left out"),
        ],
        outputs: [.required("y", .scales, "the shape of x")],
        attributes: [
            .int("axis", 1, "the axis along which scales differ; counts from the back where negative"),
            .int(
                "block_size", 0,
                "how many neighbours along axis share a scale; 0 where scales are not by blocks"),
            .int("output_dtype", 0, "ONNX's number of the type of y; 0 for that of x_scale"),
        ])

    package func written(inputs: [TensorType], outputs: [TensorType]) -> WrittenCall? {
        let attributes: [String: Attribute] = [
            "axis": .int(axis), "block_size": .int(blockSize), "output_dtype": .int(Int(output.rawValue)),
        ]
        return WrittenCall(
            Self.schema, since: max(23, inputs.map(\.element.sinceVersion).max() ?? 0),
            attributes: attributes, inputs: inputs.indices.map { .operand($0) })
    }

    package static func build(_ call: OperatorCall, in graph: inout GraphBuilder) throws -> [GraphValue] {
        let inputs = [try call.input(0), try call.input(1)] + (try call.optional(2).map { [$0] } ?? [])
        let output = try call.chosenElementType("output_dtype") ?? graph.type(of: inputs[1]).element
        let dequantize = DequantizeLinear(
            output: output, axis: try call.int("axis"), blockSize: try call.int("block_size"))
        return [.tensor(try graph.add(dequantize, inputs))]
    }
}
