#if canImport(Glibc)
internal import Glibc
#endif

/// Each element divided by a power of the squares around it, over neighbouring channels: ONNX's `LRN`.
///
/// `x / (bias + alpha / size * sum) ^ beta`, where the sum goes over `size` channels with the element's own in their
/// middle, those outside left out. A NaN reaches the elements whose sums it is part of.
package struct LRN: Operator {
    package static let name = "LRN"
    package var size: Int
    package var alpha: Double
    package var beta: Double
    package var bias: Double

    package init(size: Int, alpha: Double = 0.0001, beta: Double = 0.75, bias: Double = 1) {
        self.size = size
        self.alpha = alpha
        self.beta = beta
        self.bias = bias
    }

    package func outputTypes(of inputs: [TensorType]) throws(GraphError) -> [TensorType] {
        try requireInputs(inputs, 1)
        try requireFloating(inputs)
        try require(
            inputs[0].shape.rank >= 2, "x has channels on its second axis; its shape is \(inputs[0].shape)")
        try require(size >= 1, "the size is at least 1, not \(size)")
        return inputs
    }

    package func reference(_ inputs: [HostTensor]) -> [HostTensor] {
        let x = inputs[0].doubles
        let view = AxisView(inputs[0].type.shape, axis: 1)
        let (before, after) = ((size - 1) / 2, size / 2)
        var result = x
        var sums = [Double](repeating: 0, count: view.inner)
        for block in 0..<view.outer {
            for channel in 0..<view.length {
                for index in sums.indices { sums[index] = 0 }
                let last = after < view.length - channel ? channel + after : view.length - 1
                for other in max(0, channel - before)...last {
                    let first = (block * view.length + other) * view.inner
                    for index in sums.indices { sums[index] += x[first + index] * x[first + index] }
                }
                let first = (block * view.length + channel) * view.inner
                for index in sums.indices {
                    result[first + index] /= pow(bias + alpha / Double(size) * sums[index], beta)
                }
            }
        }
        return [HostTensor(inputs[0].type, doubles: result)]
    }

    package func exactness(for inputs: [TensorType]) -> Exactness { .rounding }

    package func floatingPointOperations(inputs: [TensorType], outputs: [TensorType]) -> Int {
        operationCount(outputs[0].shape.count, 2 * min(size, inputs[0].shape[1]) + 4)
    }
}

extension LRN: ModelOperator {
    package static let schema = OperatorSchema(
        "LRN", "Each element divided by a power of the squares around it, over neighbouring channels.",
        inputs: [.required("X", .floats, "[batch, channels, ...]")],
        outputs: [.required("Y", .floats, "the shape of X")],
        attributes: [
            .float("alpha", 0.0001, "the factor of the mean square"),
            .float("beta", 0.75, "the power"),
            .float("bias", 1, "added to the mean square"),
            .int("size", nil, "how many channels the sum goes over").required,
        ])

    package static func build(_ call: OperatorCall, in graph: inout GraphBuilder) throws -> [GraphValue] {
        let rule = LRN(
            size: try call.int("size"), alpha: try call.float("alpha"), beta: try call.float("beta"),
            bias: try call.float("bias"))
        return [.tensor(try graph.add(rule, [call.input(0)]))]
    }
}
