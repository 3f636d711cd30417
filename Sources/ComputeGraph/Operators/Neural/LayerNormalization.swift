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

    package static let hasGradient = true

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

extension LayerNormalization: ModelOperator {
    package static let schema = OperatorSchema(
        "LayerNormalization", since: 17, "Rows brought to mean 0 and variance 1, then scaled and shifted.",
        inputs: [
            .required("X", .floats, "at least one axis"),
            .required("Scale", .floats, "broadcasts to X"),
            .optional("B", .floats, "broadcasts to X"),
        ],
        outputs: [
            .required("Y", .floats, "the shape of X"),
            .optional("Mean", .floats, "the mean of each row, in the type that stash_type names"),
            .optional("InvStdDev", .floats, "1 / sqrt(variance + epsilon) of each row, in that type"),
        ],
        attributes: [
            .int("axis", -1, "the first axis that belongs to a row"),
            .float("epsilon", 1e-5, "added to the variance"),
            .int("stash_type", 1, "the number of the element type of Mean and InvStdDev"),
        ])

    package static func build(_ call: OperatorCall, in graph: inout GraphBuilder) throws -> [GraphValue] {
        let x = try call.input(0)
        let operands = try [call.input(1)] + (call.optional(2).map { [$0] } ?? [])
        let rule = LayerNormalization(axis: try call.int("axis"), epsilon: Float(try call.float("epsilon")))
        let shape = graph.type(of: x).shape
        let axis = try rule.resolvedAxis(rule.axis, rank: shape.rank)
        let row = Shape(Array(shape.extents[axis...]))
        let y: ValueID
        if operands.allSatisfy({ graph.type(of: $0).shape.broadcast(with: row) == row }) {
            var full = operands
            for index in full.indices { full[index] = try graph.expanded(full[index], to: row) }
            y = try graph.add(rule, [x] + full)
        } else {
            y = try rule.scaledApart(x, row: row, operands, in: &graph)
        }
        guard call.wantsOutput(1) || call.wantsOutput(2) else { return [.tensor(y)] }
        let statistics = try rule.statistics(of: x, axes: Array(axis..<shape.rank), in: &graph)
        let type = try call.optionalElementType("stash_type") ?? .float32
        try call.require(type.isFloating, "stash_type names \(type), which is no floating type")
        return [
            .tensor(y), .tensor(try graph.converted(statistics.mean, to: type)),
            .tensor(try graph.converted(statistics.inverseDeviation, to: type)),
        ]
    }

    /// With a scale or bias that differs from row to row.
    private func scaledApart(
        _ x: ValueID, row: Shape, _ operands: [ValueID], in graph: inout GraphBuilder
    ) throws(GraphError) -> ValueID {
        let type = graph.type(of: x)
        let wide = type.element.forSteps
        let ones = graph.filled(TensorType(wide, row), with: 1)
        var y = try graph.add(self, [try graph.converted(x, to: wide), ones])
        y = try graph.add(Mul(), [y, try graph.converted(operands[0], to: wide)])
        if operands.count > 1 { y = try graph.add(Add(), [y, try graph.converted(operands[1], to: wide)]) }
        try requireShape(graph.type(of: y), type.shape, "the scaled and shifted x")
        return try graph.converted(y, to: type.element)
    }

    private func statistics(
        of x: ValueID, axes: [Int], in graph: inout GraphBuilder
    ) throws(GraphError) -> (mean: ValueID, inverseDeviation: ValueID) {
        let wide = graph.type(of: x).element.forSteps
        let x = try graph.converted(x, to: wide)
        let mean = try graph.add(ReduceMean(axes: axes), [x])
        let centred = try graph.add(Sub(), [x, mean])
        let variance = try graph.add(ReduceMean(axes: axes), [try graph.add(Mul(), [centred, centred])])
        let shifted = try graph.add(
            Add(), [variance, graph.constant(.scalar(Double(epsilon), wide))])
        let deviation = try graph.add(Sqrt(), [shifted])
        return (mean, try graph.add(Div(), [graph.constant(.scalar(1, wide)), deviation]))
    }
}

extension GraphBuilder {
    /// The value repeated to a shape, where it has another.
    mutating func expanded(_ value: ValueID, to shape: Shape) throws(GraphError) -> ValueID {
        type(of: value).shape == shape ? value : try add(Expand(shape), [value])
    }
}
