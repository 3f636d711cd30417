/// Each row from `axis` on, brought to mean 0 and variance 1, then scaled and shifted: ONNX's
/// `LayerNormalization` with its first output.
///
/// Inputs: x, scale, and optionally bias, the last two of the shape of the normalised axes. A NaN makes its
/// whole row NaN.
package struct LayerNormalization: Operator {
    package static let name = "LayerNormalization"
    package var axis: Int
    package var epsilon: Float

    package init(axis: Int = -1, epsilon: Float = 1e-5) {
        self.axis = axis
        self.epsilon = epsilon
    }

    package func outputTypes(of inputs: [TensorType]) throws(GraphError) -> [TensorType] {
        try requireInputs(inputs, 2...3)
        try requireFloating(inputs)
        let axis = try resolvedAxis(axis, rank: inputs[0].shape.rank)
        let normalized = Shape(Array(inputs[0].shape.extents[axis...]))
        try requireShape(inputs[1], normalized, "the scale")
        if inputs.count == 3 { try requireShape(inputs[2], normalized, "the bias") }
        return [inputs[0]]
    }

    package func reference(_ inputs: [HostTensor]) -> [HostTensor] {
        let x = inputs[0].doubles
        let scale = inputs[1].doubles
        let bias = inputs.count == 3 ? inputs[2].doubles : [Double](repeating: 0, count: scale.count)
        var result = x
        for first in stride(from: 0, to: x.count, by: max(scale.count, 1)) {
            let row = NormalizedRow(x[first..<first + scale.count], epsilon: Double(epsilon))
            for index in scale.indices {
                result[first + index] = row.values[index] * scale[index] + bias[index]
            }
        }
        return [HostTensor(inputs[0].type, doubles: result)]
    }

    package func gradient(
        of node: Node, outputGradients: [ValueID?], in builder: inout GraphBuilder
    ) throws(GraphError) -> [ValueID?] {
        guard let gradient = outputGradients[0] else { return node.inputs.map { _ in nil } }
        let gradients = try builder.addNode(
            LayerNormalizationGradient(axis: axis, epsilon: epsilon),
            [gradient, node.inputs[0], node.inputs[1]])
        return Array(gradients.prefix(node.inputs.count))
    }

    package func exactness(for inputs: [TensorType]) -> Exactness {
        .accumulated(terms: inputs[1].shape.count)
    }

    package func floatingPointOperations(inputs: [TensorType], outputs: [TensorType]) -> Int {
        8 * outputs[0].shape.count
    }
}

/// One row with mean 0 and variance 1.
struct NormalizedRow {
    let values: [Double]
    let inverseDeviation: Double

    init(_ row: ArraySlice<Double>, epsilon: Double) {
        let count = Double(row.count)
        let mean = row.reduce(0, +) / count
        let variance = row.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / count
        let inverse = 1 / (variance + epsilon).squareRoot()
        values = row.map { ($0 - mean) * inverse }
        inverseDeviation = inverse
    }
}
