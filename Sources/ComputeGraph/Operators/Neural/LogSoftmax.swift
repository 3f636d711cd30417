/// The logarithm of `Softmax` along one axis; a NaN makes its whole row NaN.
package struct LogSoftmax: Operator {
    package static let name = "LogSoftmax"
    package var axis: Int

    package init(axis: Int = -1) { self.axis = axis }

    package func outputTypes(of inputs: [TensorType]) throws(GraphError) -> [TensorType] {
        try requireInputs(inputs, 1)
        try requireFloating(inputs)
        _ = try resolvedAxis(axis, rank: inputs[0].shape.rank)
        return inputs
    }

    package func reference(_ inputs: [HostTensor]) -> [HostTensor] {
        let view = AxisView(inputs[0].type.shape, axis: axis)
        return [HostTensor(inputs[0].type, doubles: logSoftmax(inputs[0].doubles, view))]
    }

    package static let hasGradient = true

    package func gradient(
        of node: Node, outputGradients: [ValueID?], in builder: inout GraphBuilder
    ) throws(GraphError) -> [ValueID?] {
        guard let gradient = outputGradients[0] else { return [nil] }
        // g - softmax(x) * (sum of g along the axis)
        let sum = try builder.add(ReduceSum(axes: [axis]), [gradient])
        let softmax = try builder.add(Exp(), [node.outputs[0]])
        let taken = try builder.add(Mul(), [softmax, sum])
        return [try builder.add(Sub(), [gradient, taken])]
    }

    package func exactness(for inputs: [TensorType]) -> Exactness { .rounding }

    package func floatingPointOperations(inputs: [TensorType], outputs: [TensorType]) -> Int {
        5 * outputs[0].shape.count
    }
}

extension LogSoftmax: ModelOperator {
    package static let schema = softmaxSchema("LogSoftmax", "The logarithm of Softmax along an axis.")

    package static func build(_ call: OperatorCall, in graph: inout GraphBuilder) throws -> [GraphValue] {
        try call.alongAxis(in: &graph, LogSoftmax.init(axis:))
    }
}
