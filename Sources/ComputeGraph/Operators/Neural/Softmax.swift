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

    package static let hasGradient = true

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
        let row = stride(from: first, to: first + view.length * view.inner, by: max(view.inner, 1))
        var largest = -Double.infinity
        for index in row { largest = x[index].isNaN || largest.isNaN ? .nan : max(largest, x[index]) }
        var sum = 0.0
        for index in row { sum += exp(x[index] - largest) }
        let logarithm = log(sum)
        for index in row { result[index] = x[index] - largest - logarithm }
    }
    return result
}

extension OperatorCall {
    /// Builds an operator that works along one axis, as its versions mean the attribute `axis`.
    ///
    /// Before version 13 the axes from `axis` on (1 where left out) were one long row; since then it is one axis, the
    /// last where left out.
    func alongAxis<Used: Operator>(
        in graph: inout GraphBuilder, _ make: (Int) -> Used
    ) throws -> [GraphValue] {
        let x = try input(0)
        guard version < 13 else { return [.tensor(try graph.add(make(optionalInt("axis") ?? -1), [x]))] }
        let extents = graph.type(of: x).shape.extents
        let named = try optionalInt("axis") ?? 1
        try require(
            named >= -extents.count && named <= extents.count,
            "axis \(named) is not in a tensor of \(extents.count) axes")
        let axis = named < 0 ? named + extents.count : named
        let rows = [extents[..<axis].reduce(1, *), extents[axis...].reduce(1, *)]
        let flat = try graph.add(make(-1), [try graph.reshaped(x, to: rows)])
        return [.tensor(try graph.reshaped(flat, to: extents))]
    }
}

extension Softmax: ModelOperator {
    package static let schema = softmaxSchema(
        "Softmax", "The exponential divided by the sum of exponentials along an axis.")

    package static func build(_ call: OperatorCall, in graph: inout GraphBuilder) throws -> [GraphValue] {
        try call.alongAxis(in: &graph, Softmax.init(axis:))
    }
}

/// The schema that `Softmax` and its relatives share.
func softmaxSchema(_ name: String, _ summary: String) -> OperatorSchema {
    OperatorSchema(
        name, summary,
        inputs: [.required("input", .floats, "at least one axis")],
        outputs: [.required("output", .floats, "the shape of input")],
        attributes: [
            .int(
                "axis", nil, "the axis, -1 where left out; before version 13 all from it on, 1 where left out"
            )
        ])
}
