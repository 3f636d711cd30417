/// The elements converted to another type.
///
/// - From a float to an integer a value is cut towards zero and held inside the type's range, and NaN becomes 0; only
///   types of 2 and 4 bits keep the low bits of the cut value, as ONNX's cases have it.
/// - From an integer to a narrower one the high bits fall away.
/// - To bool every value but 0 becomes true.
/// - To a float a value is rounded once to the nearest, ties to even. Beyond the range it becomes infinity, and in a
///   format of 8 or fewer bits what `SmallFloatFormat` says.
/// - To a string it becomes Python's text of a number. From strings `CastText` converts, since that can fail.
package struct Cast: MovementOperator {
    package static let name = "Cast"
    package var to: ElementType
    /// Whether a float of 8 bits takes its largest value for what lies beyond it.
    package var saturates: Bool
    /// How a number becomes a power of two, where `to` holds those only.
    package var rounding: ScaleRounding

    package init(to: ElementType, saturates: Bool = true, rounding: ScaleRounding = .up) {
        self.to = to
        self.saturates = saturates
        self.rounding = rounding
    }

    package func outputTypes(of inputs: [TensorType]) throws(GraphError) -> [TensorType] {
        try requireInputs(inputs, 1)
        let source = inputs[0].element
        try require(source.kind != .complex && to.kind != .complex, "does not convert complex numbers")
        try require(source != .string || to == .string, "strings are read while a model is built")
        return [TensorType(to, inputs[0].shape)]
    }

    package func reference(_ inputs: [HostTensor]) -> [HostTensor] {
        let source = inputs[0]
        let type = TensorType(to, source.type.shape)
        if source.type.element == to { return inputs }
        if to == .string { return [HostTensor(type, strings: source.texts)] }
        if !source.type.element.isFloating { return [converted(wholes: source.wholes, type)] }
        if to.isInteger && to.bitWidth < 8 {
            // int64 holds what Double can cut to; a narrow type keeps the low bits of it.
            let cut = HostTensor(TensorType(.int64, type.shape), doubles: source.doubles)
            return [HostTensor(type, wrapping: cut.wholes)]
        }
        return [converted(doubles: source.doubles, type)]
    }

    private func converted(wholes: [Int128], _ type: TensorType) -> HostTensor {
        if !to.isFloating { return HostTensor(type, wrapping: wholes) }
        return converted(doubles: wholes.map { to == .float64 ? Double($0) : roundableDouble($0) }, type)
    }

    private func converted(doubles: [Double], _ type: TensorType) -> HostTensor {
        guard to.isFloating, to.size == 1 else { return HostTensor(type, doubles: doubles) }
        return HostTensor(type, smallFloats: doubles, saturating: saturates, rounding: rounding)
    }

    package static let hasGradient = true

    package func gradient(
        of node: Node, outputGradients: [ValueID?], in builder: inout GraphBuilder
    ) throws(GraphError) -> [ValueID?] {
        let source = builder.type(of: node.inputs[0]).element
        guard let gradient = outputGradients[0], source.isFloating, to.isFloating else { return [nil] }
        return [try builder.add(Cast(to: source), [gradient])]
    }
}

extension Cast: ModelOperator {
    package static let schema = OperatorSchema(
        "Cast", "The elements converted to another type.",
        inputs: [.required("input", .castable, "any shape")],
        outputs: [.required("output", .castable, "the shape of input")],
        attributes: [
            .int("to", nil, "ONNX's number of the element type; before version 6 its name").required,
            .int("saturate", 1, "whether a float of 8 bits takes its largest value for what lies beyond it"),
            .string("round_mode", "up", "how a number becomes a float8e8m0: up, down or nearest"),
        ])

    package func written(inputs: [TensorType], outputs: [TensorType]) -> WrittenCall? {
        // Each type has its first version; the last of them has also the other attributes.
        let since = max(to.sinceVersion, inputs[0].element.sinceVersion)
        var attributes: [String: Attribute] = ["to": .int(Int(to.rawValue))]
        if since >= 19 { attributes["saturate"] = .int(saturates ? 1 : 0) }
        if since >= 24 { attributes["round_mode"] = .string(rounding.rawValue) }
        return WrittenCall(Self.schema, since: since, attributes: attributes, inputs: [.operand(0)])
    }

    package static func build(_ call: OperatorCall, in graph: inout GraphBuilder) throws -> [GraphValue] {
        [.tensor(try call.cast(call.input(0), to: call.castTarget(), in: &graph))]
    }
}

extension ElementType {
    /// The first version of ONNX's operator set whose casts and quantization know the type.
    var sinceVersion: Int {
        switch self {
        case .bfloat16: 13
        case .float8e4m3fn, .float8e4m3fnuz, .float8e5m2, .float8e5m2fnuz: 19
        case .int4, .uint4: 21
        case .float4e2m1: 23
        case .float8e8m0: 24
        case .int2, .uint2: 25
        case .string: 9
        default: 6
        }
    }
}

extension TypeSet {
    /// What `Cast` takes and gives: everything but complex numbers.
    static let castable: TypeSet = [.numbers, .bool, .string, .smallFloats, .smallIntegers]
}

extension OperatorCall {
    /// The type that the attribute `to` names, by number or, before version 6, by name.
    fileprivate func castTarget() throws(GraphError) -> ElementType {
        guard case .string(let name) = attribute("to") else {
            guard let type = try optionalElementType("to") else { throw error("the attribute to is missing") }
            return type
        }
        let names: [String: ElementType] = [
            "FLOAT": .float32, "DOUBLE": .float64, "FLOAT16": .float16, "BOOL": .bool, "STRING": .string,
            "INT8": .int8, "INT16": .int16, "INT32": .int32, "INT64": .int64,
            "UINT8": .uint8, "UINT16": .uint16, "UINT32": .uint32, "UINT64": .uint64,
        ]
        guard let type = names[name.uppercased()] else { throw error("\(name) is no element type") }
        return type
    }

    /// The nodes of a conversion with the attributes that `Cast` and `CastLike` share.
    func cast(_ input: ValueID, to: ElementType, in graph: inout GraphBuilder) throws -> ValueID {
        let mode = try optionalString("round_mode") ?? "up"
        guard let rounding = ScaleRounding(rawValue: mode) else {
            throw error("round_mode is up, down or nearest, not \(mode)")
        }
        let cast = Cast(to: to, saturates: try optionalInt("saturate") != 0, rounding: rounding)
        let source = graph.type(of: input).element
        guard source == .string || to == .string else { return try graph.add(cast, [input]) }
        // No device holds strings, so these are converted here and now.
        let tensor = try graph.tensor(input)
        return graph.constant(
            to == .string ? cast.reference([tensor])[0] : try CastText(cast: cast).converted(tensor))
    }
}
