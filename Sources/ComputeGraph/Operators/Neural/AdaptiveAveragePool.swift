/// The mean of each of so many parts that `[batch, channels, ...]` is cut into along its axes.
///
/// Part `i` of `n` goes from `i * extent / n`, rounded down, to `(i + 1) * extent / n`, rounded up. A NaN in a
/// part gives NaN.
package struct AdaptiveAveragePool: Operator {
    package static let name = "AdaptiveAveragePool"
    package var outputExtents: [Int]

    package init(outputExtents: [Int]) { self.outputExtents = outputExtents }

    package func outputTypes(of inputs: [TensorType]) throws(GraphError) -> [TensorType] {
        try requireInputs(inputs, 1)
        try requireFloating(inputs)
        let axes = try spatialAxes(of: inputs[0])
        let shape = inputs[0].shape
        try require(
            outputExtents.count == axes && outputExtents.allSatisfy { $0 >= 1 && $0 <= Window.limit },
            "the output has \(axes) extents of at least 1, not \(outputExtents)")
        try require(
            shape.extents.dropFirst(2).allSatisfy { $0 >= 1 && $0 <= Window.limit },
            "x \(shape) cannot be cut into \(outputExtents) parts")
        return [
            TensorType(inputs[0].element, try Shape(checking: Array(shape.extents[..<2]) + outputExtents))
        ]
    }

    package func reference(_ inputs: [HostTensor]) -> [HostTensor] {
        let type = knownOutputTypes(inputs)[0]
        let shape = inputs[0].type.shape
        let x = inputs[0].doubles
        var result = [Double](repeating: 0, count: type.shape.count)
        if result.isEmpty { return [HostTensor(type, doubles: result)] }
        let parts = outputExtents.enumerated().map { axis, count in
            (0..<count).map { part in
                let first = part * shape[axis + 2] / count
                let end = ((part + 1) * shape[axis + 2] + count - 1) / count
                return AxisTaps(first: first, step: 1, count: end - first)
            }
        }
        forEachWindow(parts, of: shape) { output, taps in
            var sum = 0.0
            for index in taps { sum += x[index] }
            result[output] = sum / Double(taps.count)
        }
        return [HostTensor(type, doubles: result)]
    }

    package func exactness(for inputs: [TensorType]) -> Exactness {
        .accumulated(terms: inputs[0].shape.extents.dropFirst(2).reduce(1, *))
    }

    package func floatingPointOperations(inputs: [TensorType], outputs: [TensorType]) -> Int {
        inputs[0].shape.count
    }
}

extension AdaptiveAveragePool: ModelOperator {
    package static let schema = OperatorSchema(
        "AdaptiveAveragePool", domain: .heng, "The mean of each of so many parts along the axes of images.",
        inputs: [.required("X", .floats, "[batch, channels, ...]")],
        outputs: [.required("Y", .floats, "[batch, channels, ...], the extents of output_size")],
        attributes: [.ints("output_size", nil, "how many parts each axis is cut into").required])

    package func written(inputs: [TensorType], outputs: [TensorType]) -> WrittenCall? {
        WrittenCall(Self.schema, ["output_size": .ints(outputExtents)], operands: inputs)
    }

    package static func build(_ call: OperatorCall, in graph: inout GraphBuilder) throws -> [GraphValue] {
        let x = try call.input(0)
        let rule = AdaptiveAveragePool(outputExtents: try call.ints("output_size"))
        let type = graph.type(of: x)
        _ = try rule.outputTypes(of: [type])
        let extents = Array(type.shape.extents[2...])
        let isEven = zip(extents, rule.outputExtents).allSatisfy { $0 % $1 == 0 }
        guard isEven, extents.count == 2 else { return [.tensor(try graph.add(rule, [x]))] }
        // Parts of one size are the windows of a plain pool, which has kernels and a gradient.
        let parts = zip(extents, rule.outputExtents).map { $0 / $1 }
        return [.tensor(try graph.add(AveragePool(kernelShape: parts, strides: parts), [x]))]
    }
}
