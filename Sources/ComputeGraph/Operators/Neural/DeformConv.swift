#if canImport(Glibc)
internal import Glibc
#endif

/// A convolution whose taps are moved, each by an offset of its own: ONNX's `DeformConv`.
///
/// Inputs: x, weights as `Conv` has them, offsets `[batch, offsetGroup * taps * axes, ...]` with one shift along
/// each axis for each tap and output, then the bias if `hasBias`, and if `hasMask` a factor for each tap and
/// output. Between elements it interpolates linearly; outside is zero, and so is a place that is no number.
package struct DeformConv: Operator {
    package static let name = "DeformConv"
    package var convolution: Conv
    package var offsetGroup: Int
    package var hasBias: Bool
    package var hasMask: Bool

    package init(_ convolution: Conv, offsetGroup: Int = 1, hasBias: Bool = false, hasMask: Bool = false) {
        self.convolution = convolution
        self.offsetGroup = offsetGroup
        self.hasBias = hasBias
        self.hasMask = hasMask
    }

    package func outputTypes(of inputs: [TensorType]) throws(GraphError) -> [TensorType] {
        try requireInputs(inputs, 3 + (hasBias ? 1 : 0) + (hasMask ? 1 : 0))
        try requireFloating(inputs)
        let types = try convolution.outputTypes(of: Array(inputs[..<2]) + (hasBias ? [inputs[3]] : []))
        let (x, weights, y) = (inputs[0].shape, inputs[1].shape, types[0].shape)
        let axes = x.rank - 2
        try require(axes <= Interpolation.maximalAxes, "x has at most \(Interpolation.maximalAxes + 2) axes")
        try require(
            offsetGroup >= 1 && offsetGroup <= max(x[1], 1) && x[1] % offsetGroup == 0,
            "\(offsetGroup) offset groups do not divide the \(x[1]) channels")
        let taps = weights.extents[2...].reduce(1, *)
        let outputs = Array(y.extents[2...])
        let shifts = try Shape(checking: [x[0], offsetGroup, taps, axes] + outputs)
        try requireShape(
            inputs[2], Shape([x[0], shifts[1] * shifts[2] * shifts[3]] + outputs), "the offset tensor")
        if hasMask {
            try requireShape(
                inputs[inputs.count - 1], Shape([x[0], offsetGroup * taps] + outputs), "the mask")
        }
        return types
    }

    package func reference(_ inputs: [HostTensor]) -> [HostTensor] {
        let type = knownOutputTypes(inputs)[0]
        let (x, y, weightShape) = (inputs[0].type.shape, type.shape, inputs[1].type.shape)
        let (weights, offsets) = (inputs[1].doubles, inputs[2].doubles)
        let mask = hasMask ? inputs[inputs.count - 1].doubles : []
        let window = convolution.window(weights: weightShape)
        let axes = x.rank - 2
        let outputs = y.extents[2...].reduce(1, *)
        let taps = weightShape.extents[2...].reduce(1, *)
        let plane = x.extents[2...].reduce(1, *)
        var result = [Double](repeating: 0, count: y.count)
        if hasBias, outputs > 0 {
            let bias = inputs[3].doubles
            for index in result.indices { result[index] = bias[index / outputs % bias.count] }
        }
        let data = inputs[0].doubles
        var interpolation = Interpolation(extents: Array(x.extents[2...]))
        var place = [Double](repeating: 0, count: axes)
        let (channelsPerShift, filtersPerGroup) = (x[1] / offsetGroup, y[1] / convolution.group)
        for image in 0..<(result.isEmpty ? 0 : x[0]) {
            for shift in 0..<offsetGroup {
                var output = [Int](repeating: 0, count: axes)
                for index in 0..<outputs {
                    var tap = [Int](repeating: 0, count: axes)
                    for tapIndex in 0..<taps {
                        let row = (image * offsetGroup + shift) * taps + tapIndex
                        for axis in 0..<axes {
                            let start = output[axis] * window.strides[axis] - window.pads[axis]
                            place[axis] =
                                Double(start + tap[axis] * window.dilations[axis])
                                + offsets[(row * axes + axis) * outputs + index]
                        }
                        interpolation.move(to: place)
                        let factor = hasMask ? mask[row * outputs + index] : 1
                        for channel in shift * channelsPerShift..<(shift + 1) * channelsPerShift {
                            let value =
                                factor * interpolation.value(in: data, at: (image * x[1] + channel) * plane)
                            let group = channel / weightShape[1]
                            let inGroup = channel % weightShape[1]
                            for filter in group * filtersPerGroup..<(group + 1) * filtersPerGroup {
                                let weight = weights[(filter * weightShape[1] + inGroup) * taps + tapIndex]
                                result[(image * y[1] + filter) * outputs + index] += weight * value
                            }
                        }
                        advance(&tap, within: window.kernel)
                    }
                    advance(&output, within: Array(y.extents[2...]))
                }
            }
        }
        return [HostTensor(type, doubles: result)]
    }

    package func exactness(for inputs: [TensorType]) -> Exactness { convolution.exactness(for: inputs) }

    package func floatingPointOperations(inputs: [TensorType], outputs: [TensorType]) -> Int {
        convolution.floatingPointOperations(inputs: Array(inputs[..<2]), outputs: outputs)
    }
}

/// Linear interpolation between the elements of a plane; outside it is zero.
struct Interpolation {
    /// The corners around a place double with each axis.
    static let maximalAxes = 6

    private let extents: [Int]
    private let strides: [Int]
    /// The corners inside the plane around the current place, and their weights.
    private var corners: [(index: Int, weight: Double)] = []

    init(extents: [Int]) {
        self.extents = extents
        strides = Shape(extents).strides
    }

    mutating func move(to place: [Double]) {
        corners.removeAll(keepingCapacity: true)
        for axis in extents.indices where !(place[axis] > -1 && place[axis] < Double(extents[axis])) {
            return
        }
        corners.append((0, 1))
        for axis in extents.indices {
            let lower = place[axis].rounded(.down)
            let fraction = place[axis] - lower
            let first = Int(lower)
            for index in corners.indices {
                let corner = corners[index]
                corners[index].weight = first >= 0 ? corner.weight * (1 - fraction) : 0
                corners[index].index = corner.index + max(first, 0) * strides[axis]
                if first + 1 < extents[axis], fraction > 0 {
                    corners.append((corner.index + (first + 1) * strides[axis], corner.weight * fraction))
                }
            }
        }
    }

    /// The value at the current place in the plane that begins at an index.
    func value(in data: [Double], at plane: Int) -> Double {
        var sum = 0.0
        for corner in corners where corner.weight != 0 { sum += data[plane + corner.index] * corner.weight }
        return sum
    }
}

extension DeformConv: ModelOperator {
    package static let schema = OperatorSchema(
        "DeformConv", since: 19, "A convolution whose taps are moved, each by an offset of its own.",
        inputs: [
            .required("X", .floats, "[batch, channels, ...]"),
            .required("W", .floats, "[filters, channels / group, ...], the kernel's extents"),
            .required(
                "offset", .floats, "[batch, offset_group * taps * axes, ...], a shift for each output's tap"),
            .optional("B", .floats, "[filters], added to each filter's output"),
            .optional("mask", .floats, "[batch, offset_group * taps, ...], a factor for each output's tap"),
        ],
        outputs: [.required("Y", .floats, "[batch, filters, ...]")],
        attributes: [
            .dilations,
            .int("group", 1, "into how many groups channels and filters are cut, each apart from the others"),
            .kernelShape,
            .int("offset_group", 1, "into how many groups channels with common offsets are cut"),
            .pads, .strides,
        ])

    package func written(inputs: [TensorType], outputs: [TensorType]) -> WrittenCall? {
        guard var attributes = convolution.attributes(of: Self.schema) else { return nil }
        attributes["offset_group"] = .int(offsetGroup)
        var operands = [WrittenCall.Input.operand(0), .operand(1), .operand(2)]
        operands.append(hasBias ? .operand(3) : .omitted)
        if hasMask { operands.append(.operand(inputs.count - 1)) }
        return WrittenCall(Self.schema, attributes: attributes, inputs: operands)
    }

    package static func build(_ call: OperatorCall, in graph: inout GraphBuilder) throws -> [GraphValue] {
        let shapes = try [0, 1].map { graph.type(of: try call.input($0)).shape }
        let axes = shapes[0].rank - 2
        try call.require(axes >= 1, "X has a batch, channels and at least one more axis, not \(shapes[0])")
        _ = try call.kernelShape(ofWeights: shapes[1])
        let convolution = Conv(
            strides: try call.someInts("strides") ?? [Int](repeating: 1, count: axes),
            pads: try call.someInts("pads") ?? [Int](repeating: 0, count: 2 * axes),
            dilations: try call.someInts("dilations") ?? [Int](repeating: 1, count: axes),
            group: try call.int("group"))
        let (bias, mask) = (try call.optional(3), try call.optional(4))
        let rule = DeformConv(
            convolution, offsetGroup: try call.int("offset_group"), hasBias: bias != nil, hasMask: mask != nil
        )
        let inputs = try [call.input(0), call.input(1), call.input(2)] + [bias, mask].compactMap(\.self)
        return [.tensor(try graph.add(rule, inputs))]
    }
}
