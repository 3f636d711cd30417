/// Each feature less an offset, times a scale.
package struct Scaler: Operator {
    package static let name = "Scaler"
    /// One for each feature, or one for all.
    package var offset: [Double]
    package var scale: [Double]

    package init(offset: [Double], scale: [Double]) {
        self.offset = offset
        self.scale = scale
    }

    package func outputTypes(of inputs: [TensorType]) throws(GraphError) -> [TensorType] {
        try requireInputs(inputs, 1)
        try requireNumbers(inputs[0])
        let features = inputs[0].shape.extents.last ?? 1
        try require(
            offset.count == scale.count && (offset.count == features || offset.count == 1),
            "there are \(features) features, \(offset.count) offsets and \(scale.count) scales")
        return [TensorType(.float32, inputs[0].shape)]
    }

    package func reference(_ inputs: [HostTensor]) -> [HostTensor] {
        let values = inputs[0].doubles.enumerated().map { index, x in
            (x - offset[index % offset.count]) * scale[index % scale.count]
        }
        return [HostTensor(TensorType(.float32, inputs[0].type.shape), doubles: values)]
    }

    package func exactness(for inputs: [TensorType]) -> Exactness { .rounding }

    package func floatingPointOperations(inputs: [TensorType], outputs: [TensorType]) -> Int {
        2 * outputs[0].shape.count
    }
}

extension Scaler: ModelOperator {
    package static let schema = OperatorSchema(
        "Scaler", domain: .machineLearning, "Each feature less its offset, times its scale.",
        inputs: [.required("X", .features, "[N, F] or [F]; the last axis holds features")],
        outputs: [.required("Y", .float32, "the shape of X")],
        attributes: [
            .floats("offset", nil, "one number for each feature or one for all; without it 0"),
            .floats("scale", nil, "as many as offset; without it 1"),
        ])

    package static func build(_ call: OperatorCall, in graph: inout GraphBuilder) throws -> [GraphValue] {
        var offset = try call.optionalFloats("offset") ?? []
        var scale = try call.optionalFloats("scale") ?? []
        if offset.isEmpty { offset = [Double](repeating: 0, count: max(scale.count, 1)) }
        if scale.isEmpty { scale = [Double](repeating: 1, count: offset.count) }
        return [.tensor(try graph.add(Scaler(offset: offset, scale: scale), [call.input(0)]))]
    }
}
