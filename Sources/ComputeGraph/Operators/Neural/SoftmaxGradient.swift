/// The gradient of `Softmax` from its output's gradient and its output: `y * (g - sum(g * y))` along the axis.
///
/// A NaN in a row makes the whole row NaN.
package struct SoftmaxGradient: Operator {
    package static let name = "SoftmaxGradient"
    package var axis: Int

    package init(axis: Int = -1) { self.axis = axis }

    package func outputTypes(of inputs: [TensorType]) throws(GraphError) -> [TensorType] {
        try requireInputs(inputs, 2)
        try requireFloating(inputs)
        try requireShape(inputs[1], inputs[0].shape, "the output of the Softmax")
        _ = try resolvedAxis(axis, rank: inputs[0].shape.rank)
        return [inputs[0]]
    }

    package func reference(_ inputs: [HostTensor]) -> [HostTensor] {
        let view = AxisView(inputs[0].type.shape, axis: axis)
        let gradient = inputs[0].doubles
        let y = inputs[1].doubles
        var result = y
        view.forEachRow { first in
            let row = (0..<view.length).map { first + $0 * view.inner }
            let sum = row.reduce(0) { $0 + gradient[$1] * y[$1] }
            for index in row { result[index] = y[index] * (gradient[index] - sum) }
        }
        return [HostTensor(inputs[0].type, doubles: result)]
    }

    package func exactness(for inputs: [TensorType]) -> Exactness {
        .accumulated(terms: AxisView(inputs[0].shape, axis: axis).length)
    }

    package func floatingPointOperations(inputs: [TensorType], outputs: [TensorType]) -> Int {
        4 * outputs[0].shape.count
    }
}
