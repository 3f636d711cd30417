/// The input brought to mean 0 and variance 1 over some axes: ONNX's `MeanVarianceNormalization`.
///
/// `(x - mean) / (deviation + 1e-9)`. A NaN reaches all elements that share its mean.
package struct MeanVarianceNormalization: Operator {
    package static let name = "MeanVarianceNormalization"
    /// Counted from the front, or from the back where negative.
    package var axes: [Int]

    package init(axes: [Int] = [0, 2, 3]) { self.axes = axes }

    package func outputTypes(of inputs: [TensorType]) throws(GraphError) -> [TensorType] {
        try requireInputs(inputs, 1)
        try requireFloating(inputs)
        _ = try resolvedAxes(axes, rank: inputs[0].shape.rank)
        return inputs
    }

    package func reference(_ inputs: [HostTensor]) -> [HostTensor] {
        var x = inputs[0].doubles
        let shape = inputs[0].type.shape
        let reduced = shape.reduced(along: ReduceMean(axes: axes).foldedAxes(of: shape))
        let targets = broadcastIndices(of: reduced, in: shape)
        let count = Double(shape.count / max(reduced.count, 1))
        var means = [Double](repeating: 0, count: reduced.count)
        for (index, target) in targets.enumerated() { means[target] += x[index] / count }
        var variances = [Double](repeating: 0, count: reduced.count)
        for (index, target) in targets.enumerated() {
            x[index] -= means[target]
            variances[target] += x[index] * x[index] / count
        }
        for (index, target) in targets.enumerated() { x[index] /= variances[target].squareRoot() + 1e-9 }
        return [HostTensor(inputs[0].type, doubles: x)]
    }

    package func exactness(for inputs: [TensorType]) -> Exactness {
        .accumulated(terms: inputs[0].shape.count)
    }

    package func floatingPointOperations(inputs: [TensorType], outputs: [TensorType]) -> Int {
        5 * outputs[0].shape.count
    }
}

extension MeanVarianceNormalization: ModelOperator {
    package static let schema = OperatorSchema(
        "MeanVarianceNormalization", since: 9, "The input brought to mean 0 and variance 1 over some axes.",
        inputs: [.required("X", .floats, "has all the axes")],
        outputs: [.required("Y", .floats, "the shape of X")],
        attributes: [.ints("axes", [0, 2, 3], "the axes that share a mean; all where empty")])

    package static func build(_ call: OperatorCall, in graph: inout GraphBuilder) throws -> [GraphValue] {
        [.tensor(try graph.add(MeanVarianceNormalization(axes: call.ints("axes")), [call.input(0)]))]
    }
}
