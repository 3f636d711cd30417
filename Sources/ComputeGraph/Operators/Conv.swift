/// ONNX's 2-D `Conv`: x `[batch, channels, height, width]`, weights `[filters, channels / group, height, width]`,
/// and an optional bias of one number per filter.
///
/// Pads are top, left, bottom, right, and count as zeros. A NaN reaches every sum it is part of.
package struct Conv: Operator {
    package static let name = "Conv"
    package var strides: [Int]
    package var pads: [Int]
    package var dilations: [Int]
    package var group: Int

    package init(
        strides: [Int] = [1, 1], pads: [Int] = [0, 0, 0, 0], dilations: [Int] = [1, 1], group: Int = 1
    ) {
        self.strides = strides
        self.pads = pads
        self.dilations = dilations
        self.group = group
    }

    /// The window for weights of the given shape.
    package func window(weights: Shape) -> Window {
        Window(kernel: [weights[2], weights[3]], strides: strides, pads: pads, dilations: dilations)
    }

    package func outputTypes(of inputs: [TensorType]) throws(GraphError) -> [TensorType] {
        try requireInputs(inputs, 2...3)
        try requireFloating(inputs)
        try requireRank(inputs[0], 4, "x")
        try requireRank(inputs[1], 4, "the weight tensor")
        let (x, weights) = (inputs[0].shape, inputs[1].shape)
        try require(
            group >= 1 && x[1] == weights[1] * group && weights[0] % group == 0,
            "x \(x) and weights \(weights) do not fit \(group) groups: x has groups * weights[1] channels, and "
                + "groups divide the filters")
        if inputs.count == 3 { try requireShape(inputs[2], [weights[0]], "the bias") }
        let extents = try outputExtents(of: x, window: window(weights: weights))
        return [TensorType(inputs[0].element, Shape([x[0], weights[0]] + extents))]
    }

    package func reference(_ inputs: [HostTensor]) -> [HostTensor] {
        let type = knownOutputTypes(inputs)[0]
        let (x, weights) = (inputs[0].doubles, inputs[1].doubles)
        var result = [Double](repeating: 0, count: type.shape.count)
        if inputs.count == 3 {
            let bias = inputs[2].doubles
            let plane = type.shape[2] * type.shape[3]
            for index in result.indices { result[index] = bias[index / plane % bias.count] }
        }
        let taps = ConvolutionTaps(
            self, x: inputs[0].type.shape, weights: inputs[1].type.shape, y: type.shape)
        taps.forEachRow { row in
            let weight = weights[row.weight]
            for step in 0..<row.count {
                result[row.y + step] += weight * x[row.x + step * row.xStep]
            }
        }
        return [HostTensor(type, doubles: result)]
    }

    package func gradient(
        of node: Node, outputGradients: [ValueID?], in builder: inout GraphBuilder
    ) throws(GraphError) -> [ValueID?] {
        guard let gradient = outputGradients[0] else { return node.inputs.map { _ in nil } }
        let (x, weights) = (node.inputs[0], node.inputs[1])
        let byX = try builder.add(
            ConvInputGradient(self, inputShape: builder.type(of: x).shape), [gradient, weights])
        let byWeights = try builder.add(
            ConvWeightGradient(self, weightShape: builder.type(of: weights).shape), [gradient, x])
        guard node.inputs.count == 3 else { return [byX, byWeights] }
        return [byX, byWeights, try builder.add(ReduceSum(axes: [0, 2, 3], keepDims: false), [gradient])]
    }

    package func exactness(for inputs: [TensorType]) -> Exactness {
        .accumulated(terms: inputs[1].shape.extents.dropFirst().reduce(1, *))
    }

    package func floatingPointOperations(inputs: [TensorType], outputs: [TensorType]) -> Int {
        2 * outputs[0].shape.count * inputs[1].shape.extents.dropFirst().reduce(1, *)
            + (inputs.count == 3 ? outputs[0].shape.count : 0)
    }
}
