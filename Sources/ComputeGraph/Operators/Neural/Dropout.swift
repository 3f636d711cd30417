/// Elements left out at random, and the others made larger so that their sum stays: ONNX's `Dropout` in training.
///
/// Outputs: the elements times `1 / (1 - ratio)` where a number drawn for each is at least the ratio, else 0; and
/// the mask that says which stayed. The numbers are those of NumPy's `RandomState` with the seed. A NaN that is
/// left out stays NaN.
package struct Dropout: Operator {
    package static let name = "Dropout"
    package var ratio: Double
    package var seed: UInt32

    package init(ratio: Double = 0.5, seed: UInt32) {
        self.ratio = ratio
        self.seed = seed
    }

    package func outputTypes(of inputs: [TensorType]) throws(GraphError) -> [TensorType] {
        try requireInputs(inputs, 1)
        try requireFloating(inputs)
        try require(ratio >= 0 && ratio < 1, "the ratio is from 0 to less than 1, not \(ratio)")
        return [inputs[0], TensorType(.bool, inputs[0].shape)]
    }

    package func reference(_ inputs: [HostTensor]) -> [HostTensor] {
        var generator = MersenneTwister(seed: seed)
        var x = inputs[0].doubles
        var mask = [Double](repeating: 0, count: x.count)
        for index in x.indices {
            mask[index] = generator.uniform() >= ratio ? 1 : 0
            x[index] *= mask[index] / (1 - ratio)
        }
        let types = knownOutputTypes(inputs)
        return [HostTensor(types[0], doubles: x), HostTensor(types[1], doubles: mask)]
    }

    package func exactness(for inputs: [TensorType]) -> Exactness { .rounding }
}

extension Dropout: ModelOperator {
    private static let types: TypeSet = [.floats, .smallFloats]

    package static let schema = OperatorSchema(
        "Dropout", "In training, elements left out at random; else the input as it is.",
        inputs: [
            .required("data", types, "any shape"),
            .optional("ratio", types, "from version 12 on: the share that is left out, 0.5 where left out"),
            .optional("training_mode", .bool, "from version 12 on: whether elements are left out"),
        ],
        outputs: [
            .required("output", types, "the shape of data"),
            .optional(
                "mask", [types, .bool], "which elements stayed; before version 10 of the type of data"),
        ],
        attributes: [
            .ints("consumed_inputs", nil, "version 1, without effect"),
            .int("is_test", 0, "before version 7: whether the input stays as it is"),
            .float("ratio", 0.5, "before version 12: the share that is left out"),
            .int("seed", nil, "from version 12 on: what the random numbers follow from"),
        ])

    package func written(inputs: [TensorType], outputs: [TensorType]) -> WrittenCall? {
        WrittenCall(
            Self.schema, since: 12, ["seed": .int(Int(seed))], operands: inputs,
            [.constant(.scalar(ratio, .float32)), .constant(.scalar(1, .bool))])
    }

    package static func build(_ call: OperatorCall, in graph: inout GraphBuilder) throws -> [GraphValue] {
        let x = try call.input(0)
        let type = graph.type(of: x)
        let maskType = TensorType(call.version < 10 ? type.element : .bool, type.shape)
        guard let ratio = try call.trainingRatio(in: &graph), ratio != 0 else {
            guard call.wantsOutput(1) else { return [.tensor(x)] }
            return [.tensor(x), .tensor(try graph.filled(maskType, with: 1))]
        }
        let rule = Dropout(ratio: ratio, seed: try call.dropoutSeed)
        let outputs = try graph.addNode(rule, [x])
        return [.tensor(outputs[0]), .tensor(try graph.converted(outputs[1], to: maskType.element))]
    }
}

extension OperatorCall {
    /// The share of elements to leave out, nil where the call is not in training.
    fileprivate func trainingRatio(in graph: inout GraphBuilder) throws -> Double? {
        if version < 12 { return try version >= 7 || flag("is_test") ? nil : float("ratio") }
        guard let training = try optional(2), try graph.integers(training).first == 1 else { return nil }
        guard let ratio = try optional(1) else { return 0.5 }
        guard let value = try graph.tensor(ratio).doubles.first else { throw error("the ratio is empty") }
        return value
    }

    /// The attribute, else a number from the node's name, so that a model does the same each time.
    fileprivate var dropoutSeed: UInt32 {
        get throws(GraphError) {
            if let seed = try optionalInt("seed") { return UInt32(truncatingIfNeeded: seed) }
            return node.utf8.reduce(0x811C_9DC5) { ($0 ^ UInt32($1)) &* 0x0100_0193 }
        }
    }
}
