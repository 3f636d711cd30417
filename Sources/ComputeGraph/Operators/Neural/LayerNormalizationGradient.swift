/// The gradients of `LayerNormalization` by x, scale and bias, from its output's gradient, x and scale.
///
/// With n the normalised row and h = g * scale: by x it is `(h - mean(h) - n * mean(h * n)) / deviation`; by
/// scale the sum of `g * n` over rows; by bias the sum of g. A NaN spreads over its row and into the sums.
package struct LayerNormalizationGradient: Operator {
    package static let name = "LayerNormalizationGradient"
    package var axis: Int
    package var epsilon: Float

    package init(axis: Int = -1, epsilon: Float = 1e-5) {
        self.axis = axis
        self.epsilon = epsilon
    }

    package func outputTypes(of inputs: [TensorType]) throws(GraphError) -> [TensorType] {
        try requireInputs(inputs, 3)
        try requireFloating(inputs)
        try requireShape(inputs[0], inputs[1].shape, "the output's gradient")
        let axis = try resolvedAxis(axis, rank: inputs[1].shape.rank)
        try requireShape(inputs[2], Shape(Array(inputs[1].shape.extents[axis...])), "the scale")
        return [inputs[1], inputs[2], inputs[2]]
    }

    package func reference(_ inputs: [HostTensor]) -> [HostTensor] {
        let gradient = inputs[0].doubles
        let x = inputs[1].doubles
        let scale = inputs[2].doubles
        var byX = x
        var byScale = [Double](repeating: 0, count: scale.count)
        var byBias = byScale
        for first in stride(from: 0, to: x.count, by: max(scale.count, 1)) {
            let row = NormalizedRow(x[first..<first + scale.count], epsilon: Double(epsilon))
            var (mean, projection) = (0.0, 0.0)
            for index in scale.indices {
                let g = gradient[first + index]
                byScale[index] += g * row.values[index]
                byBias[index] += g
                mean += g * scale[index] / Double(scale.count)
                projection += g * scale[index] * row.values[index] / Double(scale.count)
            }
            for index in scale.indices {
                let h = gradient[first + index] * scale[index]
                byX[first + index] = (h - mean - row.values[index] * projection) * row.inverseDeviation
            }
        }
        return [
            HostTensor(inputs[1].type, doubles: byX), HostTensor(inputs[2].type, doubles: byScale),
            HostTensor(inputs[2].type, doubles: byBias),
        ]
    }

    package func exactness(for inputs: [TensorType]) -> Exactness {
        .accumulated(terms: inputs[1].shape.count)
    }

    package func floatingPointOperations(inputs: [TensorType], outputs: [TensorType]) -> Int {
        16 * outputs[0].shape.count
    }
}
