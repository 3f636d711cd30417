/// An operator that makes one number of each channel of `[batch, channels, ...]`.
protocol GlobalPoolOperator: Operator {
    func value(of plane: ArraySlice<Double>) -> Double
}

extension GlobalPoolOperator {
    package func outputTypes(of inputs: [TensorType]) throws(GraphError) -> [TensorType] {
        try pooledTypes(of: inputs)
    }

    func pooledTypes(of inputs: [TensorType]) throws(GraphError) -> [TensorType] {
        try requireInputs(inputs, 1)
        try requireFloating(inputs)
        let axes = try spatialAxes(of: inputs[0])
        let kept = Array(inputs[0].shape.extents[..<2])
        return [TensorType(inputs[0].element, Shape(kept + [Int](repeating: 1, count: axes)))]
    }

    package func reference(_ inputs: [HostTensor]) -> [HostTensor] {
        let type = knownOutputTypes(inputs)[0]
        let x = inputs[0].doubles
        let plane = inputs[0].type.shape.extents[2...].reduce(1, *)
        let values = (0..<type.shape.count).map { value(of: x[$0 * plane..<($0 + 1) * plane]) }
        return [HostTensor(type, doubles: values)]
    }

    package func exactness(for inputs: [TensorType]) -> Exactness {
        .accumulated(terms: inputs[0].shape.extents.dropFirst(2).reduce(1, *))
    }

    package func floatingPointOperations(inputs: [TensorType], outputs: [TensorType]) -> Int {
        inputs[0].shape.count
    }
}

/// The schema that these operators share.
func globalPoolSchema(
    _ name: String, _ summary: String, attributes: [OperatorSchema.AttributeParameter] = []
) -> OperatorSchema {
    OperatorSchema(
        name, summary,
        inputs: [.required("X", .floats, "[batch, channels, ...]")],
        outputs: [.required("Y", .floats, "[batch, channels, 1, ...]")],
        attributes: attributes)
}
