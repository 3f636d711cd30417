/// ONNX's `Conv`: x `[batch, channels, ...]` with one or more axes that the kernel slides along, weights
/// `[filters, channels / group, ...]`, and an optional bias of one number per filter.
///
/// Pads are the beginnings of all axes, then their ends (top, left, bottom, right), and count as zeros. A NaN reaches
/// every sum it is part of.
package struct Conv: Operator {
    package static let name = "Conv"
    package var strides: [Int]
    package var pads: [Int]
    package var dilations: [Int]
    package var group: Int

    /// The defaults are for two axes.
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
        Window(kernel: Array(weights.extents[2...]), strides: strides, pads: pads, dilations: dilations)
    }

    package func outputTypes(of inputs: [TensorType]) throws(GraphError) -> [TensorType] {
        try requireInputs(inputs, 2...3)
        try requireFloating(inputs)
        _ = try spatialAxes(of: inputs[0])
        try requireRank(inputs[1], inputs[0].shape.rank, "the weight tensor")
        let (x, weights) = (inputs[0].shape, inputs[1].shape)
        try require(
            group >= 1 && x[1] % group == 0 && x[1] / group == weights[1] && weights[0] % group == 0,
            "x \(x) and weights \(weights) do not fit \(group) groups: x has groups * weights[1] channels, and "
                + "groups divide the filters")
        if inputs.count == 3 { try requireShape(inputs[2], [weights[0]], "the bias") }
        let extents = try outputExtents(of: x, window: window(weights: weights))
        return [TensorType(inputs[0].element, try Shape(checking: [x[0], weights[0]] + extents))]
    }

    package func reference(_ inputs: [HostTensor]) -> [HostTensor] {
        let type = knownOutputTypes(inputs)[0]
        let (x, weights) = (inputs[0].doubles, inputs[1].doubles)
        var result = [Double](repeating: 0, count: type.shape.count)
        if inputs.count == 3 {
            let bias = inputs[2].doubles
            let plane = type.shape.extents[2...].reduce(1, *)
            for index in result.indices { result[index] = bias[index / plane % bias.count] }
        }
        let taps = ConvolutionTaps(
            self, x: inputs[0].type.shape, weights: inputs[1].type.shape, y: type.shape)
        taps.forEachRow { row in
            result.add(
                weights[row.weight], times: x, from: row.x, step: row.xStep, count: row.count, at: row.y)
        }
        return [HostTensor(type, doubles: result)]
    }

    package static let hasGradient = true

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
        let others = [0] + Array(2..<builder.type(of: x).shape.rank)
        return [byX, byWeights, try builder.add(ReduceSum(axes: others, keepDims: false), [gradient])]
    }

    package func exactness(for inputs: [TensorType]) -> Exactness {
        .accumulated(terms: inputs[1].shape.extents.dropFirst().reduce(1, *))
    }

    package func floatingPointOperations(inputs: [TensorType], outputs: [TensorType]) -> Int {
        2 * outputs[0].shape.count * inputs[1].shape.extents.dropFirst().reduce(1, *)
            + (inputs.count == 3 ? outputs[0].shape.count : 0)
    }
}

extension Conv: ModelOperator {
    package static let schema = OperatorSchema(
        "Conv", "A kernel slides along the axes of images, and sums products over channels.",
        inputs: [
            .required("X", .floats, "[batch, channels, ...], one or more axes to slide along"),
            .required("W", .floats, "[filters, channels / group, ...], the kernel's extents"),
            .optional("B", .floats, "[filters], added to each filter's output"),
        ],
        outputs: [.required("Y", .floats, "[batch, filters, ...]")],
        attributes: [
            .autoPad, .dilations,
            .int("group", 1, "into how many groups channels and filters are cut, each apart from the others"),
            .kernelShape, .pads, .strides,
        ])

    package static func build(_ call: OperatorCall, in graph: inout GraphBuilder) throws -> [GraphValue] {
        let x = try call.input(0)
        let weights = try call.input(1)
        let kernel = try call.kernelShape(ofWeights: graph.type(of: weights).shape)
        let extents = Array(graph.type(of: x).shape.extents.dropFirst(2))
        let window = try call.window(kernel: kernel, over: extents)
        let bias = try call.optional(2).map { [$0] } ?? []
        let convolution = Conv(
            strides: window.strides, pads: window.pads, dilations: window.dilations,
            group: try call.int("group"))
        guard extents.count == 1 else {
            return [.tensor(try graph.add(convolution, [x, weights] + bias))]
        }
        // Kernels for devices slide along two axes, so a row is an image of height 1.
        _ = try convolution.outputTypes(of: ([x, weights] + bias).map(graph.type(of:)))
        let image = try graph.withAxis(x, at: 2)
        let flat = try graph.withAxis(weights, at: 2)
        let result = try graph.add(convolution.overImages, [image, flat] + bias)
        return [.tensor(try graph.withoutAxis(result, at: 2))]
    }

    /// This convolution along one axis, as one over images of height 1.
    private var overImages: Conv {
        Conv(
            strides: [1] + strides, pads: [0, pads[0], 0, pads[1]], dilations: [1] + dilations, group: group)
    }
}

extension OperatorCall {
    /// The extents of the kernel that weights `[filters, channels, ...]` are, which the attribute may repeat.
    func kernelShape(ofWeights weights: Shape) throws(GraphError) -> [Int] {
        let kernel = Array(weights.extents.dropFirst(2))
        if let named = try someInts("kernel_shape") {
            try require(
                named == kernel, "kernel_shape is \(named), and the weights \(weights) have \(kernel)")
        }
        return kernel
    }
}

extension GraphBuilder {
    /// The same elements with one more axis of extent 1.
    mutating func withAxis(_ value: ValueID, at axis: Int) throws(GraphError) -> ValueID {
        var extents = type(of: value).shape.extents
        extents.insert(1, at: axis)
        return try add(Reshape(extents, allowsZero: true), [value])
    }

    /// The same elements without an axis of extent 1.
    mutating func withoutAxis(_ value: ValueID, at axis: Int) throws(GraphError) -> ValueID {
        var extents = type(of: value).shape.extents
        extents.remove(at: axis)
        return try add(Reshape(extents, allowsZero: true), [value])
    }
}
