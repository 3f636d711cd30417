#if canImport(Glibc)
internal import Glibc
#endif

/// `exp(x)` divided by the sum of `exp(x)` along one axis; a NaN makes its whole row NaN.
package struct Softmax: Operator {
    package static let name = "Softmax"
    package var axis: Int

    package init(axis: Int = -1) { self.axis = axis }

    package func outputTypes(of inputs: [TensorType]) throws(GraphError) -> [TensorType] {
        try requireInputs(inputs, 1)
        try requireFloating(inputs)
        _ = try resolvedAxis(axis, rank: inputs[0].shape.rank)
        return inputs
    }

    package func reference(_ inputs: [HostTensor]) -> [HostTensor] {
        let logarithms = logSoftmax(inputs[0].doubles, AxisView(inputs[0].type.shape, axis: axis))
        return [HostTensor(inputs[0].type, doubles: logarithms.map { exp($0) })]
    }

    package func gradient(
        of node: Node, outputGradients: [ValueID?], in builder: inout GraphBuilder
    ) throws(GraphError) -> [ValueID?] {
        guard let gradient = outputGradients[0] else { return [nil] }
        return [try builder.add(SoftmaxGradient(axis: axis), [gradient, node.outputs[0]])]
    }

    package func exactness(for inputs: [TensorType]) -> Exactness { .rounding }

    package func floatingPointOperations(inputs: [TensorType], outputs: [TensorType]) -> Int {
        5 * outputs[0].shape.count
    }
}

/// The logarithm of the softmax of each row, taken from the row's largest element so that nothing overflows.
func logSoftmax(_ x: [Double], _ view: AxisView) -> [Double] {
    var result = x
    view.forEachRow { first in
        let row = (0..<view.length).map { first + $0 * view.inner }
        let largest = row.reduce(-Double.infinity) { x[$1].isNaN ? .nan : Swift.max($0, x[$1]) }
        let sum = row.reduce(0) { $0 + exp(x[$1] - largest) }
        for index in row { result[index] = x[index] - largest - log(sum) }
    }
    return result
}
