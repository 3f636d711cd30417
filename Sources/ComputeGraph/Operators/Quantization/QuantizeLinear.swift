/// ONNX's `QuantizeLinear`: the input divided by a scale, rounded, moved by a zero point, held inside the range.
///
/// Inputs: the tensor, the scale, and a zero point if wanted. The division is done in `precision`, each operand and
/// the quotient rounded to it; nil means the type of the scale, float32 for powers of two and float64 for integers.
package struct QuantizeLinear: Operator {
    package static let name = "QuantizeLinear"
    package var output: ElementType
    package var axis: Int
    /// How many neighbours along the axis share a scale; 0 where scales are not by blocks.
    package var blockSize: Int
    /// Whether a float8 takes its largest value for what lies beyond it.
    package var saturates: Bool
    package var precision: ElementType?

    package init(
        output: ElementType, axis: Int = 1, blockSize: Int = 0, saturates: Bool = true,
        precision: ElementType? = nil
    ) {
        self.output = output
        self.axis = axis
        self.blockSize = blockSize
        self.saturates = saturates
        self.precision = precision
    }

    private var scale: QuantizationScale { QuantizationScale(axis: axis, blockSize: blockSize) }

    package func outputTypes(of inputs: [TensorType]) throws(GraphError) -> [TensorType] {
        try requireInputs(inputs, 2...3)
        let computable: TypeSet = [.floats, TypeSet(.int32)]
        try require(computable.contains(inputs[0].element), "does not quantize \(inputs[0])")
        try require(
            computable.contains(inputs[1].element) || inputs[1].element == .float8e8m0,
            "a scale is not \(inputs[1])")
        try require(output.isQuantized, "does not quantize to \(output)")
        if let precision {
            try require(TypeSet.floats.contains(precision), "does not divide in \(precision)")
        }
        try requireScales(scale, tensor: inputs[0].shape, inputs.dropFirst(), element: output)
        return [TensorType(output, inputs[0].shape)]
    }

    package func reference(_ inputs: [HostTensor]) -> [HostTensor] {
        let type = TensorType(output, inputs[0].type.shape)
        let scaleType = inputs[1].type
        let division = precision ?? Self.precision(of: scaleType.element)
        let scales = inputs[1].doubles.map { rounded($0, to: division) }
        let zeroPoints = inputs.count > 2 ? inputs[2].doubles : scales.map { _ in 0 }
        let places = scale.indices(tensor: type.shape, scales: scaleType.shape)
        let quotients = zip(inputs[0].doubles, places).map { value, place in
            rounded(rounded(value, to: division) / scales[place], to: division)
        }
        return [
            HostTensor(
                type, quantizing: quotients, zeroPoints: places.map { zeroPoints[$0] }, saturating: saturates)
        ]
    }

    private static func precision(of scale: ElementType) -> ElementType {
        switch scale {
        case .float8e8m0: .float32
        case .int32: .float64
        default: scale
        }
    }

    package func exactness(for inputs: [TensorType]) -> Exactness { .exact }
}

extension QuantizeLinear: ModelOperator {
    package static let schema = OperatorSchema(
        "QuantizeLinear", since: 10,
        "A tensor divided by a scale, rounded, moved by a zero point, and held inside the range of a narrow type.",
        inputs: [
            .required("x", [.scales, TypeSet(.int32)], "any shape"),
            .required(
                "y_scale", [.scales, TypeSet(.int32), TypeSet(.float8e8m0)],
                "one number, one for each index along axis, or one for each block"),
            .optional("y_zero_point", .quantized, "the shape of y_scale; 0 where it is left out"),
        ],
        outputs: [.required("y", .quantized, "the shape of x")],
        attributes: [
            .int("axis", 1, "the axis along which scales differ; counts from the back where negative"),
            .int(
                "block_size", 0,
                "how many neighbours along axis share a scale; 0 where scales are not by blocks"),
            .int("output_dtype", 0, "ONNX's number of the type of y; 0 for that of y_zero_point, else uint8"),
            .int("precision", 0, "ONNX's number of the type to divide in; 0 for that of y_scale"),
            .int("saturate", 1, "whether a float8 takes its largest value for what lies beyond it"),
        ])

    package func written(inputs: [TensorType], outputs: [TensorType]) -> WrittenCall? {
        var attributes: [String: Attribute] = [
            "axis": .int(axis), "block_size": .int(blockSize), "saturate": .int(saturates ? 1 : 0),
            "output_dtype": .int(Int(output.rawValue)),
        ]
        if let precision { attributes["precision"] = .int(Int(precision.rawValue)) }
        let types = inputs.map(\.element) + [output]
        return WrittenCall(
            Self.schema, since: max(23, types.map(\.sinceVersion).max() ?? 0), attributes: attributes,
            inputs: inputs.indices.map { .operand($0) })
    }

    package static func build(_ call: OperatorCall, in graph: inout GraphBuilder) throws -> [GraphValue] {
        let zeroPoint = try call.optional(2)
        let named = try call.chosenElementType("output_dtype")
        let output = named ?? zeroPoint.map { graph.type(of: $0).element } ?? .uint8
        let quantize = QuantizeLinear(
            output: output, axis: try call.int("axis"), blockSize: try call.int("block_size"),
            saturates: try call.flag("saturate"), precision: try call.chosenElementType("precision"))
        let inputs = [try call.input(0), try call.input(1)] + (zeroPoint.map { [$0] } ?? [])
        return [.tensor(try graph.add(quantize, inputs))]
    }
}

extension OperatorCall {
    /// The element type that an attribute names, nil for 0.
    func chosenElementType(_ name: String) throws(GraphError) -> ElementType? {
        try optionalInt(name) == 0 ? nil : try optionalElementType(name)
    }
}
