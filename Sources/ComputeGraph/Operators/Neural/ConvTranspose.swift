/// A convolution read backwards: each element of x adds the kernel, times itself, to the output around its place.
///
/// Inputs: x `[batch, channels, ...]` and weights `[channels, filters / group, ...]`. ONNX's `ConvTranspose`
/// without its bias. Pads cut the output, whose extents are given, as several fit one x. A NaN reaches every sum
/// it is part of.
package struct ConvTranspose: Operator {
    package static let name = "ConvTranspose"
    package var strides: [Int]
    package var pads: [Int]
    package var dilations: [Int]
    package var group: Int
    /// The extents behind batch and channels.
    package var outputExtents: [Int]

    /// The defaults are for two axes.
    package init(
        strides: [Int] = [1, 1], pads: [Int] = [0, 0, 0, 0], dilations: [Int] = [1, 1], group: Int = 1,
        outputExtents: [Int]
    ) {
        self.strides = strides
        self.pads = pads
        self.dilations = dilations
        self.group = group
        self.outputExtents = outputExtents
    }

    private func window(weights: Shape) -> Window {
        Window(kernel: Array(weights.extents[2...]), strides: strides, pads: pads, dilations: dilations)
    }

    /// The convolution that this is the gradient of.
    package var convolution: Conv {
        Conv(strides: strides, pads: pads, dilations: dilations, group: group)
    }

    package func outputTypes(of inputs: [TensorType]) throws(GraphError) -> [TensorType] {
        try requireInputs(inputs, 2)
        try requireFloating(inputs)
        let axes = try spatialAxes(of: inputs[0])
        let (x, weights) = (inputs[0].shape, inputs[1].shape)
        try requireRank(inputs[1], axes + 2, "the weight tensor")
        if let fault = window(weights: weights).fault(axes: axes) { throw mismatch(fault) }
        try require(
            group >= 1 && group <= max(x[1], 1) && x[1] == weights[0] && x[1] % group == 0,
            "x \(x) and weights \(weights) do not fit \(group) groups: x has weights[0] channels, which groups "
                + "divide")
        try require(outputExtents.count == axes, "the output has \(axes) extents, not \(outputExtents)")
        let filters = weights[1].multipliedReportingOverflow(by: group)
        try require(!filters.overflow, "the weights \(weights) in \(group) groups are too many")
        return [
            TensorType(
                inputs[0].element, try Shape(checking: [x[0], filters.partialValue] + outputExtents))
        ]
    }

    package func reference(_ inputs: [HostTensor]) -> [HostTensor] {
        let type = knownOutputTypes(inputs)[0]
        let (x, weights) = (inputs[0].doubles, inputs[1].doubles)
        var result = [Double](repeating: 0, count: type.shape.count)
        let shape = inputs[1].type.shape
        let taps = ConvolutionTaps(
            window(weights: shape), group: group, x: type.shape, weights: shape, y: inputs[0].type.shape)
        taps.forEachRow { row in
            let weight = weights[row.weight]
            for step in 0..<row.count { result[row.x + step * row.xStep] += weight * x[row.y + step] }
        }
        return [HostTensor(type, doubles: result)]
    }

    package func exactness(for inputs: [TensorType]) -> Exactness {
        let weights = inputs[1].shape
        return .accumulated(terms: weights[0] / group * weights.extents.dropFirst(2).reduce(1, *))
    }

    package func floatingPointOperations(inputs: [TensorType], outputs: [TensorType]) -> Int {
        operationCount(2, inputs[0].shape.count, inputs[1].shape.extents.dropFirst().reduce(1, *))
    }
}

extension ConvTranspose: ModelOperator {
    package static let schema = OperatorSchema(
        "ConvTranspose",
        "A convolution read backwards: each element of X adds the kernel, times itself, to Y.",
        inputs: [
            .required("X", .floats, "[batch, channels, ...], one or more axes to slide along"),
            .required("W", .floats, "[channels, filters / group, ...], the kernel's extents"),
            .optional("B", .floats, "[filters], added to each filter's output"),
        ],
        outputs: [.required("Y", .floats, "[batch, filters, ...]")],
        attributes: [
            .autoPad, .dilations,
            .int("group", 1, "into how many groups channels and filters are cut, each apart from the others"),
            .kernelShape,
            .ints("output_padding", nil, "how much longer the output is at the end of each axis"),
            .ints(
                "output_shape", nil, "the output's extents behind batch and filters, which pads then follow"),
            .pads, .strides,
        ])

    package func written(inputs: [TensorType], outputs: [TensorType]) -> WrittenCall? {
        let given = window(weights: inputs[1].shape)
        var (pads, more) = (pads, outputExtents.map { _ in 0 })
        for axis in more.indices {
            let whole = strides[axis] * (inputs[0].shape[axis + 2] - 1) + given.reach(along: axis)
            let left = outputExtents[axis] - (whole - pads[axis] - pads[axis + more.count])
            // An output that is shorter than all of it is cut further, a longer one goes on.
            if left < 0 { pads[axis + more.count] -= left } else { more[axis] = left }
        }
        return WrittenCall(
            Self.schema,
            [
                "strides": .ints(strides), "pads": .ints(pads), "dilations": .ints(dilations),
                "group": .int(group), "output_padding": .ints(more),
            ], operands: inputs)
    }

    package static func build(_ call: OperatorCall, in graph: inout GraphBuilder) throws -> [GraphValue] {
        let x = try call.input(0)
        let weights = try call.input(1)
        let rule = try call.transposedConvolution(
            x: graph.type(of: x).shape, weights: graph.type(of: weights).shape)
        _ = try rule.outputTypes(of: [graph.type(of: x), graph.type(of: weights)])
        let y: ValueID
        if rule.outputExtents.count == 1 {
            // Kernels for devices slide along two axes, so a row is an image of height 1.
            let image = try graph.withAxis(x, at: 2)
            let flat = try graph.withAxis(weights, at: 2)
            y = try graph.withoutAxis(try graph.add(rule.overImages, [image, flat]), at: 2)
        } else {
            y = try graph.add(rule, [x, weights])
        }
        guard let bias = try call.optional(2) else { return [.tensor(y)] }
        let type = graph.type(of: y)
        try call.require(
            graph.type(of: bias).shape == [type.shape[1]],
            "the bias has one number for each filter of \(type), not the shape \(graph.type(of: bias).shape)")
        let spread = try graph.perChannel(bias, rank: type.shape.rank)
        return [.tensor(try graph.add(Add(), [y, spread]))]
    }

    private var overImages: ConvTranspose {
        ConvTranspose(
            strides: [1] + strides, pads: [0, pads[0], 0, pads[1]], dilations: [1] + dilations, group: group,
            outputExtents: [1] + outputExtents)
    }
}

extension OperatorCall {
    /// The rule for inputs of these shapes, with its pads and output extents found.
    fileprivate func transposedConvolution(x: Shape, weights: Shape) throws(GraphError) -> ConvTranspose {
        let extents = Array(x.extents.dropFirst(2))
        let kernel = try kernelShape(ofWeights: weights)
        let axes = extents.count
        var window = Window(
            kernel: kernel, strides: try someInts("strides") ?? extents.map { _ in 1 },
            pads: try someInts("pads") ?? [Int](repeating: 0, count: 2 * axes),
            dilations: try someInts("dilations") ?? extents.map { _ in 1 })
        if let fault = window.fault(axes: axes) { throw error(fault) }
        try require(extents.allSatisfy { $0 <= 1 << 32 }, "the extents \(extents) are too large")
        let more = try someInts("output_padding") ?? extents.map { _ in 0 }
        try require(
            more.count >= axes && more.allSatisfy { $0 >= 0 && $0 <= Window.limit },
            "output_padding is one extent of at least 0 for each axis, not \(more)")
        let mode = try string("auto_pad")
        try require(
            ["NOTSET", "VALID", "SAME_UPPER", "SAME_LOWER"].contains(mode),
            "auto_pad is NOTSET, SAME_UPPER, SAME_LOWER or VALID, not \(mode)")
        var wanted = try someInts("output_shape").map { Array($0.suffix(axes)) }
        if wanted == nil, mode.hasPrefix("SAME") {
            wanted = extents.indices.map { extents[$0] * window.strides[$0] }
        }
        // All that an x of so many elements adds to; without any it is nothing.
        let whole = extents.indices.map { axis in
            window.strides[axis] * (extents[axis] - 1) + more[axis] + window.reach(along: axis)
        }
        guard let wanted else {
            if mode == "VALID" { window.pads = [Int](repeating: 0, count: 2 * axes) }
            let result = extents.indices.map { whole[$0] - window.pads[$0] - window.pads[$0 + axes] }
            return try rule(window, result)
        }
        try require(
            wanted.count == axes && wanted.allSatisfy { $0 >= 0 && $0 <= Shape.maximalCount },
            "output_shape is one extent for each axis, not \(wanted)")
        for axis in extents.indices {
            let total = max(0, whole[axis] - wanted[axis])
            // Version 1 put the smaller half first, except for SAME_UPPER; since then it is the other way.
            let smallerFirst = (mode == "SAME_UPPER") == (version >= 11)
            window.pads[axis] = smallerFirst ? total / 2 : total - total / 2
            window.pads[axis + axes] = total - window.pads[axis]
        }
        return try rule(window, wanted)
    }

    private func rule(_ window: Window, _ extents: [Int]) throws(GraphError) -> ConvTranspose {
        ConvTranspose(
            strides: window.strides, pads: window.pads, dilations: window.dilations, group: try int("group"),
            outputExtents: extents)
    }
}
