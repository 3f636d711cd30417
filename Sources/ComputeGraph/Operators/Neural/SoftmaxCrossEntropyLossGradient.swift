#if canImport(Glibc)
internal import Glibc
#endif

/// The gradient of `SoftmaxCrossEntropyLoss` by the scores: `g * (softmax(scores) - onehot(label)) / batch`.
///
/// Inputs: the loss's gradient (one number), the scores and the labels. A NaN in a row, or a label that is no
/// class, makes that row NaN.
package struct SoftmaxCrossEntropyLossGradient: Operator {
    package static let name = "SoftmaxCrossEntropyLossGradient"

    package init() {}

    package func outputTypes(of inputs: [TensorType]) throws(GraphError) -> [TensorType] {
        try requireInputs(inputs, 3)
        try requireFloating(inputs[..<2])
        try requireScalar(inputs[0], "the loss's gradient")
        _ = try SoftmaxCrossEntropyLoss().outputTypes(of: Array(inputs[1...]))
        return [inputs[1]]
    }

    package func reference(_ inputs: [HostTensor]) -> [HostTensor] {
        let shape = inputs[1].type.shape
        let factor = inputs[0].doubles[0] / Double(shape[0])
        var result = logSoftmax(inputs[1].doubles, AxisView(shape, axis: 1)).map { exp($0) * factor }
        for (row, label) in inputs[2].indices.enumerated() {
            if label >= 0 && label < shape[1] {
                result[row * shape[1] + label] -= factor
            } else {
                for column in 0..<shape[1] { result[row * shape[1] + column] = .nan }
            }
        }
        return [HostTensor(inputs[1].type, doubles: result)]
    }

    package func exactness(for inputs: [TensorType]) -> Exactness { .rounding }

    package func floatingPointOperations(inputs: [TensorType], outputs: [TensorType]) -> Int {
        5 * outputs[0].shape.count
    }
}
