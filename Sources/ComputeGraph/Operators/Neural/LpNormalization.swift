/// Each row along one axis divided by its p-norm, for p 1 or 2: ONNX's `LpNormalization`.
///
/// A row of norm 0 stays 0. A NaN makes its whole row NaN.
package struct LpNormalization: Operator {
    package static let name = "LpNormalization"
    package var axis: Int
    package var p: Int

    package init(axis: Int = -1, p: Int = 2) {
        self.axis = axis
        self.p = p
    }

    package func outputTypes(of inputs: [TensorType]) throws(GraphError) -> [TensorType] {
        try requireInputs(inputs, 1)
        try requireFloating(inputs)
        _ = try resolvedAxis(axis, rank: inputs[0].shape.rank)
        try require(p == 1 || p == 2, "p is 1 or 2, not \(p)")
        return inputs
    }

    package func reference(_ inputs: [HostTensor]) -> [HostTensor] {
        var x = inputs[0].doubles
        let view = AxisView(inputs[0].type.shape, axis: axis)
        view.forEachRow { first in
            let row = stride(from: first, to: first + view.length * view.inner, by: max(view.inner, 1))
            var sum = 0.0
            for index in row { sum += power(x[index], Double(p)) }
            let norm = root(sum, Double(p))
            for index in row { x[index] = norm == 0 ? 0 : x[index] / norm }
        }
        return [HostTensor(inputs[0].type, doubles: x)]
    }

    package func exactness(for inputs: [TensorType]) -> Exactness {
        .accumulated(terms: AxisView(inputs[0].shape, axis: axis).length)
    }

    package func floatingPointOperations(inputs: [TensorType], outputs: [TensorType]) -> Int {
        3 * outputs[0].shape.count
    }
}

extension LpNormalization: ModelOperator {
    package static let schema = OperatorSchema(
        "LpNormalization", "Rows along an axis divided by their p-norm; a row of zeros stays as it is.",
        inputs: [.required("input", .floats, "at least one axis")],
        outputs: [.required("output", .floats, "the shape of input")],
        attributes: [
            .int("axis", -1, "the axis that rows lie along"), .int("p", 2, "the order of the norm: 1 or 2"),
        ])

    package static func build(_ call: OperatorCall, in graph: inout GraphBuilder) throws -> [GraphValue] {
        let rule = LpNormalization(axis: try call.int("axis"), p: try call.int("p"))
        return [.tensor(try graph.add(rule, [call.input(0)]))]
    }
}
