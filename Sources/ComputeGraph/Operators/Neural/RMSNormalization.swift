/// Each row from `axis` on divided by the root of its mean square, then scaled: ONNX's `RMSNormalization`.
///
/// Inputs: x, and the scale of the shape of a row. A NaN makes its whole row NaN.
package struct RMSNormalization: Operator {
    package static let name = "RMSNormalization"
    package var axis: Int
    package var epsilon: Float

    package init(axis: Int = -1, epsilon: Float = 1e-5) {
        self.axis = axis
        self.epsilon = epsilon
    }

    package func outputTypes(of inputs: [TensorType]) throws(GraphError) -> [TensorType] {
        try requireInputs(inputs, 2)
        try requireFloating(inputs)
        let axis = try resolvedAxis(axis, rank: inputs[0].shape.rank)
        try requireShape(inputs[1], Shape(Array(inputs[0].shape.extents[axis...])), "the scale")
        return [inputs[0]]
    }

    package func reference(_ inputs: [HostTensor]) -> [HostTensor] {
        var x = inputs[0].doubles
        let scale = inputs[1].doubles
        for first in stride(from: 0, to: x.count, by: max(scale.count, 1)) {
            var sum = 0.0
            for index in first..<first + scale.count { sum += x[index] * x[index] }
            let deviation = (sum / Double(scale.count) + Double(epsilon)).squareRoot()
            for index in scale.indices { x[first + index] = x[first + index] / deviation * scale[index] }
        }
        return [HostTensor(inputs[0].type, doubles: x)]
    }

    package static let hasGradient = true

    package func gradient(
        of node: Node, outputGradients: [ValueID?], in builder: inout GraphBuilder
    ) throws(GraphError) -> [ValueID?] {
        guard let gradient = outputGradients[0] else { return [nil, nil] }
        let (x, scale) = (node.inputs[0], node.inputs[1])
        let type = builder.type(of: x)
        let axes = Array((axis < 0 ? axis + type.shape.rank : axis)..<type.shape.rank)
        // With n the row before its scale, d what it was divided by, h = g * scale: (h - n * mean(h * n)) / d.
        let square = try builder.add(ReduceMean(axes: axes), [try builder.add(Mul(), [x, x])])
        let epsilon = builder.constant("epsilon", .scalar(Double(epsilon), type.element))
        let deviation = try builder.add(Sqrt(), [try builder.add(Add(), [square, epsilon])])
        let normalized = try builder.add(Div(), [x, deviation])
        let h = try builder.add(Mul(), [gradient, scale])
        let projection = try builder.add(ReduceMean(axes: axes), [try builder.add(Mul(), [h, normalized])])
        let taken = try builder.add(Mul(), [normalized, projection])
        let byX = try builder.add(Div(), [try builder.add(Sub(), [h, taken]), deviation])
        let byScale = try builder.reduced(
            try builder.add(Mul(), [gradient, normalized]), toShapeOf: scale)
        return [byX, byScale]
    }

    package func exactness(for inputs: [TensorType]) -> Exactness {
        .accumulated(terms: inputs[1].shape.count)
    }

    package func floatingPointOperations(inputs: [TensorType], outputs: [TensorType]) -> Int {
        4 * outputs[0].shape.count
    }
}

extension RMSNormalization: ModelOperator {
    package static let schema = OperatorSchema(
        "RMSNormalization", since: 23, "Rows divided by the root of their mean square, then scaled.",
        inputs: [
            .required("X", .floats, "at least one axis"), .required("scale", .floats, "broadcasts to X"),
        ],
        outputs: [.required("Y", .floats, "the shape of X and the type of scale")],
        attributes: [
            .int("axis", -1, "the first axis that belongs to a row"),
            .float("epsilon", 1e-5, "added to the mean square"),
            .int("stash_type", 1, "the number of the type to compute in; it is never narrower here"),
        ])

    package static func build(_ call: OperatorCall, in graph: inout GraphBuilder) throws -> [GraphValue] {
        let (x, scale) = (try call.input(0), try call.input(1))
        let (type, scaleType) = (graph.type(of: x), graph.type(of: scale))
        let rule = RMSNormalization(axis: try call.int("axis"), epsilon: Float(try call.float("epsilon")))
        let axis = try rule.resolvedAxis(rule.axis, rank: type.shape.rank)
        let row = Shape(Array(type.shape.extents[axis...]))
        let isRow = scaleType.shape.broadcast(with: row) == row
        let isPlain = isRow && type.element == scaleType.element
        let element =
            isPlain
            ? type.element : [type, scaleType].contains { $0.element == .float64 } ? .float64 : .float32
        var y = try graph.converted(x, to: element)
        let factor = try graph.converted(scale, to: element)
        if isRow {
            y = try graph.add(rule, [y, try graph.expanded(factor, to: row)])
        } else {
            y = try graph.add(rule, [y, graph.filled(TensorType(element, row), with: 1)])
            y = try graph.add(Mul(), [y, factor])
            try call.require(
                graph.type(of: y).shape == type.shape, "the scale \(scaleType) does not broadcast to \(type)")
        }
        return [.tensor(try graph.converted(y, to: scaleType.element))]
    }
}
