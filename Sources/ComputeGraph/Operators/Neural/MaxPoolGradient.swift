/// The gradient of `MaxPool` by its input, from its output's gradient and its input.
///
/// Each output's gradient goes to the largest element under its window, to the first in row order where several
/// are equal, and to the first NaN where there is one.
package struct MaxPoolGradient: Operator {
    package static let name = "MaxPoolGradient"
    package var pool: MaxPool

    package init(_ pool: MaxPool) {
        self.pool = pool
        // The same gradient whether the pool also says where its elements lie.
        self.pool.hasIndices = false
        self.pool.countsColumnsFirst = false
    }

    package func outputTypes(of inputs: [TensorType]) throws(GraphError) -> [TensorType] {
        try requireInputs(inputs, 2)
        try requireFloating(inputs)
        let y = try pool.outputTypes(of: [inputs[1]])[0]
        try requireShape(inputs[0], y.shape, "the output's gradient")
        return [inputs[1]]
    }

    package func reference(_ inputs: [HostTensor]) -> [HostTensor] {
        let gradient = inputs[0].doubles
        let x = inputs[1].doubles
        var result = [Double](repeating: 0, count: x.count)
        pool.window.forEachOutput(of: inputs[1].type.shape, inputs[0].type.shape) { output, taps in
            if let best = largest(of: x, at: taps) { result[best] += gradient[output] }
        }
        return [HostTensor(inputs[1].type, doubles: result)]
    }

    package func exactness(for inputs: [TensorType]) -> Exactness { .rounding }

    package func floatingPointOperations(inputs: [TensorType], outputs: [TensorType]) -> Int {
        operationCount([inputs[0].shape.count] + pool.kernelShape)
    }
}
