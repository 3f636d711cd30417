/// Examples, one per row, as operators of ONNX's machine-learning domain take them.
struct FeatureRows {
    let count: Int
    let features: Int

    /// The examples of `[N, F]`, or the one of `[F]`; nil for other shapes.
    init?(_ shape: Shape) {
        switch shape.rank {
        case 1: (count, features) = (1, shape[0])
        case 2: (count, features) = (shape[0], shape[1])
        default: return nil
        }
    }
}

extension Operator {
    /// The examples of the one input `[N, F]` or `[F]` of numbers.
    func requireFeatureRows(_ inputs: [TensorType]) throws(GraphError) -> FeatureRows {
        try requireInputs(inputs, 1)
        try requireNumbers(inputs[0])
        guard let rows = FeatureRows(inputs[0].shape) else {
            throw mismatch("takes examples as rows, [N, F] or [F], not the shape \(inputs[0].shape)")
        }
        return rows
    }

    func requireNumbers(_ type: TensorType) throws(GraphError) {
        try require(type.element.isFloating || type.element.isInteger, "takes numbers, not \(type)")
    }
}

extension HostTensor {
    /// The rows of `[N, F]`, or the one of `[F]`, in double precision.
    func featureRows() -> [ArraySlice<Double>] {
        guard let rows = FeatureRows(type.shape) else { preconditionFailure("\(type) has no rows") }
        let values = doubles
        return (0..<rows.count).map { values[$0 * rows.features..<($0 + 1) * rows.features] }
    }
}

extension TypeSet {
    /// What most operators of ONNX's machine-learning domain take: float32, float64, int32, int64.
    static let features: TypeSet = [.float32, TypeSet(.float64), .indices]
}
