/// x read at the places that a grid names: ONNX's `GridSample`.
///
/// Inputs: x `[batch, channels, ...]` and the grid `[batch, ..., axes]`, whose coordinates run from -1 to 1 over
/// x, the innermost axis first. A place that is no number counts as the edge, and under `.zeros` as outside.
package struct GridSample: Operator {
    package static let name = "GridSample"
    package var mode: Mode
    package var padding: Padding
    package var alignsCorners: Bool

    package enum Mode: String, Hashable, Sendable { case nearest, linear, cubic }

    /// What lies outside x.
    package enum Padding: String, Hashable, Sendable { case zeros, border, reflection }

    package init(mode: Mode = .linear, padding: Padding = .zeros, alignsCorners: Bool = false) {
        self.mode = mode
        self.padding = padding
        self.alignsCorners = alignsCorners
    }

    package func outputTypes(of inputs: [TensorType]) throws(GraphError) -> [TensorType] {
        try requireInputs(inputs, 2)
        try requireFloating(inputs[1...])
        let (x, grid) = (inputs[0].shape, inputs[1].shape)
        let axes = try spatialAxes(of: inputs[0])
        try requireRank(inputs[1], axes + 2, "the grid")
        try require(
            grid[0] == x[0] && grid[axes + 1] == axes,
            "the grid \(grid) has the batch of x \(x), and \(axes) coordinates for each place")
        if mode != .nearest {
            try require(
                inputs[0].element.isFloating || inputs[0].element.isInteger || inputs[0].element == .bool,
                "\(inputs[0]) can be read at its elements only, with the mode nearest")
            try require(
                axes <= Interpolation.maximalAxes, "x has at most \(Interpolation.maximalAxes + 2) axes")
        }
        let places = grid.extents[1...axes]
        let shape = try Shape(checking: [x[0], x[1]] + places)
        try require(shape.count == 0 || x.count > 0, "there is nothing in x \(x) to be read")
        return [TensorType(inputs[0].element, shape)]
    }

    package func reference(_ inputs: [HostTensor]) -> [HostTensor] {
        let type = knownOutputTypes(inputs)[0]
        let x = inputs[0].type.shape
        let extents = Array(x.extents[2...])
        let strides = Shape(extents).strides
        let plane = extents.reduce(1, *)
        let axes = extents.count
        let places = inputs[1].type.shape.count / max(x[0] * axes, 1)
        let coordinates = self.coordinates(in: inputs[1], extents)
        // The elements around each place, and their weights, are the same for all channels.
        let width = mode == .nearest ? 1 : mode == .linear ? 2 : 4
        let taps = (0..<axes).reduce(1) { count, _ in count * width }
        var indices = [Int](repeating: -1, count: taps)
        var weights = [Double](repeating: 0, count: taps)
        func look(_ place: Int) {
            var tap = [Int](repeating: 0, count: axes)
            for index in 0..<taps {
                var (position, weight) = (0, 1.0)
                for axis in 0..<axes {
                    let (element, part) = self.tap(
                        tap[axis], at: coordinates[place * axes + axis], extents[axis])
                    weight *= part
                    position = element < 0 || position < 0 ? -1 : position + element * strides[axis]
                }
                (indices[index], weights[index]) = (position, weight)
                advance(&tap, within: [Int](repeating: width, count: axes))
            }
        }
        if mode == .nearest {
            var sources = [Int](repeating: -1, count: x[0] * places)
            for place in sources.indices {
                look(place)
                sources[place] = indices[0]
            }
            return [
                inputs[0].moved(to: type) { index in
                    let (channel, place) = index.quotientAndRemainder(dividingBy: places)
                    let source = sources[channel / x[1] * places + place]
                    return source < 0 ? nil : channel * plane + source
                }
            ]
        }
        let data = inputs[0].doubles
        var result = [Double](repeating: 0, count: type.shape.count)
        for place in 0..<(result.isEmpty ? 0 : x[0] * places) {
            look(place)
            for channel in place / places * x[1]..<(place / places + 1) * x[1] {
                var sum = 0.0
                for index in indices.indices where indices[index] >= 0 {
                    sum += data[channel * plane + indices[index]] * weights[index]
                }
                result[channel * places + place % places] = sum
            }
        }
        return [HostTensor(type, doubles: result)]
    }

    /// The places in elements, outermost axis first, folded back into x where the padding says so.
    ///
    /// They are reckoned in the grid's precision, as which of two elements is nearest hangs on it.
    private func coordinates(in grid: HostTensor, _ extents: [Int]) -> [Double] {
        let axes = extents.count
        let isWide = grid.type.element == .float64
        var values = grid.doubles
        for first in stride(from: 0, to: values.count, by: axes) {
            let names = Array(values[first..<first + axes].reversed())
            for (axis, name) in names.enumerated() {
                let place =
                    isWide
                    ? position(name, extents[axis]) : Double(position(Float(name), extents[axis]))
                values[first + axis] = folded(
                    mode == .nearest ? place.rounded(.toNearestOrEven) : place, extents[axis])
            }
        }
        return values
    }

    private func position<Number: BinaryFloatingPoint>(_ name: Number, _ extent: Int) -> Number {
        alignsCorners
            ? (name + 1) / 2 * Number(extent - 1) : ((name + 1) * Number(extent) - 1) / 2
    }

    private func bounds(_ extent: Int) -> (least: Double, most: Double) {
        alignsCorners ? (0, Double(extent - 1)) : (-0.5, Double(extent) - 0.5)
    }

    private func folded(_ place: Double, _ extent: Int) -> Double {
        let (least, most) = bounds(extent)
        if place >= least && place <= most { return place }
        switch padding {
        case .zeros: return place
        case .border: return place > most ? Double(extent - 1) : 0
        case .reflection: return reflected(place, extent)
        }
    }

    private func reflected(_ place: Double, _ extent: Int) -> Double {
        let (least, most) = bounds(extent)
        let length = most - least
        guard length > 0, place.isFinite else { return max(least, 0) }
        let beyond = (place < least ? least - place : place - most).truncatingRemainder(
            dividingBy: 2 * length)
        let isBack = beyond < length
        let rest = isBack ? beyond : beyond - length
        return (place < least) == isBack ? least + rest : most - rest
    }

    /// The element that one tap around a place reads, -1 for none, and its weight.
    private func tap(_ tap: Int, at place: Double, _ extent: Int) -> (Int, Double) {
        // Far outside, where whole numbers would not hold it, there is nothing but padding.
        guard abs(place) < 1e15 else { return padding == .zeros ? (-1, 0) : (place > 0 ? extent - 1 : 0, 1) }
        let lower = place.rounded(.down)
        let fraction = place - lower
        let first = Int(lower)
        switch mode {
        case .nearest: return (element(Int(place), extent), 1)
        case .linear: return (element(first + tap, extent), tap == 0 ? 1 - fraction : fraction)
        case .cubic:
            return (element(first + tap - 1, extent), cubicWeight(fraction - Double(tap - 1), a: -0.75))
        }
    }

    private func element(_ index: Int, _ extent: Int) -> Int {
        if index >= 0 && index < extent { return index }
        switch padding {
        case .zeros: return -1
        case .border: return index < 0 ? 0 : extent - 1
        case .reflection: return min(max(Int(reflected(Double(index), extent)), 0), extent - 1)
        }
    }

    package func exactness(for inputs: [TensorType]) -> Exactness { mode == .nearest ? .exact : .rounding }
}

/// The weight of an element so far from a place, in cubic interpolation with the coefficient `a`.
func cubicWeight(_ distance: Double, a: Double) -> Double {
    let x = abs(distance)
    if x <= 1 { return ((a + 2) * x - (a + 3)) * x * x + 1 }
    if x < 2 { return ((a * x - 5 * a) * x + 8 * a) * x - 4 * a }
    return 0
}

extension GridSample: ModelOperator {
    package static let schema = OperatorSchema(
        "GridSample", since: 16, "X read at the places that a grid names.",
        inputs: [
            .required("X", .tensors, "[batch, channels, ...]"),
            .required(
                "grid", .floats, "[batch, ..., axes], coordinates from -1 to 1, the innermost axis first"),
        ],
        outputs: [.required("Y", .tensors, "[batch, channels, ...], the extents of the grid")],
        attributes: [
            .int("align_corners", 0, "whether -1 and 1 are the outer elements, and not their edges"),
            .string("mode", "linear", "nearest, linear or cubic; before version 20 bilinear and bicubic"),
            .string("padding_mode", "zeros", "what lies outside: zeros, border or reflection"),
        ])

    package func written(inputs: [TensorType], outputs: [TensorType]) -> WrittenCall? {
        WrittenCall(
            Self.schema, since: 20,
            [
                "mode": .string(mode.rawValue), "padding_mode": .string(padding.rawValue),
                "align_corners": .flag(alignsCorners),
            ], operands: inputs)
    }

    package static func build(_ call: OperatorCall, in graph: inout GraphBuilder) throws -> [GraphValue] {
        let modes: [String: Mode] = [
            "nearest": .nearest, "linear": .linear, "bilinear": .linear, "cubic": .cubic, "bicubic": .cubic,
        ]
        guard let mode = modes[try call.string("mode")] else {
            throw call.error("the mode is nearest, linear or cubic, not \(try call.string("mode"))")
        }
        guard let padding = Padding(rawValue: try call.string("padding_mode")) else {
            throw call.error(
                "padding_mode is zeros, border or reflection, not \(try call.string("padding_mode"))")
        }
        let rule = GridSample(
            mode: mode, padding: padding, alignsCorners: try call.flag("align_corners"))
        return [.tensor(try graph.add(rule, [call.input(0), call.input(1)]))]
    }
}
