/// ONNX's `DynamicQuantizeLinear`: a float32 tensor quantized to uint8 over the range of its own values and 0.
///
/// Outputs: the quantized tensor, its scale, its zero point. All arithmetic is float32's, as ONNX defines it. A tensor
/// of zeros has the scale 1. NaN is passed over when the range is taken, and becomes the zero point.
package struct DynamicQuantizeLinear: Operator {
    package static let name = "DynamicQuantizeLinear"

    package init() {}

    package func outputTypes(of inputs: [TensorType]) throws(GraphError) -> [TensorType] {
        try requireInputs(inputs, 1)
        try require(inputs[0].element == .float32, "quantizes float32, not \(inputs[0])")
        return [
            TensorType(.uint8, inputs[0].shape), TensorType(.float32, []), TensorType(.uint8, []),
        ]
    }

    package func reference(_ inputs: [HostTensor]) -> [HostTensor] {
        let values = inputs[0].floats
        let largest = values.reduce(0) { $1 > $0 ? $1 : $0 }
        let smallest = values.reduce(0) { $1 < $0 ? $1 : $0 }
        let scale: Float = largest == smallest ? 1 : (largest - smallest) / 255
        let zeroPoint = Self.held((-smallest / scale).rounded(.toNearestOrEven))
        let quantized = values.map { value in
            let whole = (value / scale).rounded(.toNearestOrEven)
            return Double(whole.isNaN ? zeroPoint : Self.held(whole + zeroPoint))
        }
        return [
            HostTensor(TensorType(.uint8, inputs[0].type.shape), doubles: quantized),
            .scalar(scale),
            HostTensor(TensorType(.uint8, []), doubles: [Double(zeroPoint)]),
        ]
    }

    private static func held(_ value: Float) -> Float { value.isNaN ? 0 : min(max(value, 0), 255) }

    package func exactness(for inputs: [TensorType]) -> Exactness { .exact }
}

extension DynamicQuantizeLinear: ModelOperator {
    package static let schema = OperatorSchema(
        "DynamicQuantizeLinear", since: 11, "A tensor quantized over the range of its own values and 0.",
        inputs: [.required("x", .float32, "any shape")],
        outputs: [
            .required("y", TypeSet(.uint8), "the shape of x"),
            .required("y_scale", .float32, "one number"),
            .required("y_zero_point", TypeSet(.uint8), "one number"),
        ])

    package static func build(_ call: OperatorCall, in graph: inout GraphBuilder) throws -> [GraphValue] {
        try graph.addNode(DynamicQuantizeLinear(), [call.input(0)]).map { .tensor($0) }
    }
}
