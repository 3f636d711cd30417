/// An image made larger or smaller along some of its axes: ONNX's `Resize`.
///
/// Each axis is resized by itself. `.nearest` moves elements of any type; the other modes compute, and round
/// halves to even where the type holds no fractions. A NaN reaches every sum it is part of.
package struct Resize: Operator {
    package static let name = "Resize"
    package var mode: Mode
    package var axes: [ResizedAxis]
    package var placement: Placement
    package var nearest: Nearest
    /// Whether a smaller image is the mean of all that it stands for, and not only of what lies next to its elements.
    package var antialiases: Bool
    /// Whether what lies outside has no weight, and is not the element at the edge.
    package var excludesOutside: Bool
    /// What `.cropAndResize` gives outside.
    package var extrapolation: Double
    package var cubicCoefficient: Double

    package enum Mode: String, Hashable, Sendable { case nearest, linear, cubic }

    /// Which of two elements is nearest.
    package enum Nearest: String, Hashable, Sendable {
        case floor, ceil
        case preferFloor = "round_prefer_floor"
        case preferCeil = "round_prefer_ceil"
    }

    /// Where in the given image an element of the new one lies.
    package enum Placement: String, Hashable, Sendable {
        case asymmetric
        case halfPixel = "half_pixel"
        case halfPixelSymmetric = "half_pixel_symmetric"
        case pytorchHalfPixel = "pytorch_half_pixel"
        case halfPixelForNearest = "tf_half_pixel_for_nn"
        case alignCorners = "align_corners"
        case cropAndResize = "tf_crop_and_resize"
    }

    package init(
        mode: Mode = .nearest, axes: [ResizedAxis], placement: Placement = .halfPixel,
        nearest: Nearest = .preferFloor, antialiases: Bool = false, excludesOutside: Bool = false,
        extrapolation: Double = 0, cubicCoefficient: Double = -0.75
    ) {
        self.mode = mode
        self.axes = axes
        self.placement = placement
        self.nearest = nearest
        self.antialiases = antialiases
        self.excludesOutside = excludesOutside
        self.extrapolation = extrapolation
        self.cubicCoefficient = cubicCoefficient
    }

    package func outputTypes(of inputs: [TensorType]) throws(GraphError) -> [TensorType] {
        try requireInputs(inputs, 1)
        let element = inputs[0].element
        try require(
            mode == .nearest || element.isFloating || element.isInteger,
            "\(inputs[0]) can be resized with the mode nearest only")
        var extents = inputs[0].shape.extents
        var named = Set<Int>()
        for axis in axes {
            try require(
                extents.indices.contains(axis.axis) && named.insert(axis.axis).inserted,
                "the axes \(axes.map(\.axis)) are those of \(inputs[0].shape), each named once")
            try require(
                axis.scale > 0 && axis.scale.isFinite && axis.start.isFinite && axis.end.isFinite,
                "the scale \(axis.scale) of axis \(axis.axis) is a positive number, and its bounds are numbers"
            )
            try require(
                axis.extent == 0 || extents[axis.axis] > 0, "nothing along axis \(axis.axis) can be resized")
            // What the scale makes of the axis may be rounded, and is not otherwise far from its extent.
            try require(
                axis.extent == 0
                    || abs(Double(extents[axis.axis]) * axis.scale - Double(axis.extent) - 0.5) < 1.5
                        && Double(extents[axis.axis]) * axis.scale > 0.4,
                "the scale \(axis.scale) does not make \(axis.extent) of \(extents[axis.axis])")
            extents[axis.axis] = axis.extent
        }
        return [TensorType(element, try Shape(checking: extents))]
    }

    package func reference(_ inputs: [HostTensor]) -> [HostTensor] {
        let type = knownOutputTypes(inputs)[0]
        if type.shape.count == 0 { return [HostTensor(zeros: type)] }
        if mode == .nearest { return [moved(inputs[0], to: type)] }
        var data = inputs[0].doubles
        var shape = inputs[0].type.shape
        for axis in axes {
            let extent = shape[axis.axis]
            if isIdentity(axis, extent) { continue }
            let places = places(along: axis, extent)
            let around = places.map { place in place.map { taps(at: $0, extent, axis.scale) } }
            data = resized(data, AxisView(shape, axis: axis.axis), around)
            shape.extents[axis.axis] = axis.extent
        }
        if !type.element.isFloating { data = data.map { $0.rounded(.toNearestOrEven) } }
        return [HostTensor(type, doubles: data)]
    }

    private func isIdentity(_ axis: ResizedAxis, _ extent: Int) -> Bool {
        abs(axis.scale - 1) < 1e-9 && axis.extent == extent
            && (placement != .cropAndResize || (axis.start == 0 && axis.end == 1))
    }

    /// Where each element of the new axis lies in the given one; nil outside what `.cropAndResize` knows.
    private func places(along axis: ResizedAxis, _ extent: Int) -> [Double?] {
        let (scale, given) = (axis.scale, Double(extent))
        // What the scale makes of the axis, before it is cut to whole elements.
        let full = scale * given
        return (0..<axis.extent).map { index in
            let x = Double(index)
            switch placement {
            case .asymmetric: return x / scale
            case .halfPixel: return (x + 0.5) / scale - 0.5
            case .halfPixelSymmetric:
                return given / 2 * (1 - Double(axis.extent) / full) + (x + 0.5) / scale - 0.5
            case .pytorchHalfPixel: return full == 1 ? -0.5 : (x + 0.5) / scale - 0.5
            case .halfPixelForNearest: return (x + 0.5) / scale
            case .alignCorners: return full == 1 ? 0 : x * (given - 1) / (full - 1)
            case .cropAndResize:
                let (start, length) = (axis.start * (given - 1), (axis.end - axis.start) * (given - 1))
                let place = start + (full == 1 ? length / 2 : x * length / (full - 1))
                return place >= 0 && place <= given - 1 ? place : nil
            }
        }
    }

    private func moved(_ x: HostTensor, to type: TensorType) -> HostTensor {
        let shape = x.type.shape
        var sources = shape.extents.map { extent in (0..<extent).map { Optional($0) } }
        for axis in axes where !isIdentity(axis, shape[axis.axis]) {
            let extent = shape[axis.axis]
            sources[axis.axis] = places(along: axis, extent).map { place in
                place.map { Int(min(max(rounded($0), 0), Double(extent - 1))) }
            }
        }
        let strides = shape.strides
        var indices: [Int?] = [0]
        for axis in sources.indices {
            let steps = sources[axis].map { $0.map { $0 * strides[axis] } }
            indices = indices.flatMap { base in
                steps.map { step in if let base, let step { base + step } else { nil } }
            }
        }
        let result = x.moved(to: type) { indices[$0] }
        let isNumber = type.element.isFloating || type.element.isInteger || type.element == .bool
        guard extrapolation != 0, isNumber, indices.contains(nil) else { return result }
        var values = result.doubles
        for index in indices.indices where indices[index] == nil { values[index] = extrapolation }
        return HostTensor(type, doubles: values)
    }

    private func rounded(_ place: Double) -> Double {
        switch nearest {
        case .floor: place.rounded(.down)
        case .ceil: place.rounded(.up)
        case .preferFloor: (place - 0.5).rounded(.up)
        case .preferCeil: (place + 0.5).rounded(.down)
        }
    }

    /// The elements around a place and their weights.
    private func taps(at place: Double, _ extent: Int, _ scale: Double) -> [(index: Int, weight: Double)] {
        // The place lies in (base, base + 1].
        let base = place.rounded(.up) - 1
        let ratio = place - base
        let radius: Double = mode == .linear ? 1 : 2
        let narrowing = antialiases ? min(scale, 1) : 1
        let first = (-radius / narrowing).rounded(.down) + 1
        var taps: [(index: Int, weight: Double)] = []
        for step in Int(first)..<Int(2 - first) {
            let distance = (Double(step) - ratio) * narrowing
            var weight =
                mode == .linear ? max(0, 1 - abs(distance)) : cubicWeight(distance, a: cubicCoefficient)
            let index = base + Double(step)
            if excludesOutside, index < 0 || index > Double(extent - 1) { weight = 0 }
            taps.append((Int(min(max(index, 0), Double(extent - 1))), weight))
        }
        guard antialiases || excludesOutside else { return taps }
        let sum = taps.reduce(0) { $0 + $1.weight }
        return sum == 0 ? taps : taps.map { ($0.index, $0.weight / sum) }
    }

    private func resized(
        _ data: [Double], _ view: AxisView, _ taps: [[(index: Int, weight: Double)]?]
    ) -> [Double] {
        var result = [Double](repeating: 0, count: view.outer * taps.count * view.inner)
        for block in 0..<view.outer {
            for (place, taps) in taps.enumerated() {
                let target = (block * (result.count / view.outer / view.inner) + place) * view.inner
                guard let taps else {
                    for index in target..<target + view.inner { result[index] = extrapolation }
                    continue
                }
                for tap in taps where tap.weight != 0 {
                    result.add(
                        tap.weight, times: data, from: (block * view.length + tap.index) * view.inner,
                        step: 1,
                        count: view.inner, at: target)
                }
            }
        }
        return result
    }

    package func exactness(for inputs: [TensorType]) -> Exactness { mode == .nearest ? .exact : .rounding }
}

/// One axis that `Resize` changes.
package struct ResizedAxis: Hashable, Sendable {
    package var axis: Int
    /// The new extent.
    package var extent: Int
    /// What the given extent was multiplied by before it was cut to a whole number.
    package var scale: Double
    /// The part of the axis that `.cropAndResize` takes, from 0 to 1.
    package var start: Double
    package var end: Double

    package init(axis: Int, extent: Int, scale: Double, start: Double = 0, end: Double = 1) {
        self.axis = axis
        self.extent = extent
        self.scale = scale
        self.start = start
        self.end = end
    }
}

extension Resize: ModelOperator {
    package static let schema = OperatorSchema(
        "Resize", since: 10, "An image made larger or smaller along some of its axes.",
        inputs: [
            .required("X", .tensors, "any shape"),
            .optional(
                "roi", .floats,
                "starts and ends of the part that tf_crop_and_resize takes; in version 10 scales"),
            .optional("scales", .float32, "a factor for each axis; it or sizes is given"),
            .optional("sizes", .int64, "the extent of each axis"),
        ],
        outputs: [.required("Y", .tensors, "X with the new extents")],
        attributes: [
            .int("antialias", 0, "whether a smaller image is the mean of all that it stands for"),
            .ints("axes", nil, "the axes that scales and sizes are for; all where left out"),
            .string("coordinate_transformation_mode", "half_pixel", "where in X an element of Y lies"),
            .float("cubic_coeff_a", -0.75, "the coefficient of cubic interpolation"),
            .int("exclude_outside", 0, "whether what lies outside has no weight"),
            .float("extrapolation_value", 0, "what tf_crop_and_resize gives outside"),
            .string(
                "keep_aspect_ratio_policy", "stretch",
                "stretch, or not_larger or not_smaller where sizes are bounds and all axes have one scale"),
            .string("mode", "nearest", "nearest, linear or cubic"),
            .string(
                "nearest_mode", "round_prefer_floor", "round_prefer_floor, round_prefer_ceil, floor or ceil"),
        ])

    package func written(inputs: [TensorType], outputs: [TensorType]) -> WrittenCall? {
        var attributes: [String: Attribute] = [
            "mode": .string(mode.rawValue), "coordinate_transformation_mode": .string(placement.rawValue),
            "nearest_mode": .string(nearest.rawValue), "antialias": .flag(antialiases),
            "exclude_outside": .flag(excludesOutside), "extrapolation_value": .float(extrapolation),
            "cubic_coeff_a": .float(cubicCoefficient),
        ]
        let named = axes.map(\.axis)
        if named != Array(0..<inputs[0].shape.rank) { attributes["axes"] = .ints(named) }
        guard let target = ResizeTarget(axes, of: inputs[0].shape) else { return nil }
        if target.isBound { attributes["keep_aspect_ratio_policy"] = .string("not_larger") }
        let bounds = axes.map(\.start) + axes.map(\.end)
        let region = WrittenCall.Input.constant(HostTensor(.float32(bounds.count), doubles: bounds))
        return WrittenCall(
            Self.schema, since: 19, attributes: attributes,
            inputs: [
                .operand(0), placement == .cropAndResize ? region : .omitted, target.scales, target.sizes,
            ])
    }

    package static func build(_ call: OperatorCall, in graph: inout GraphBuilder) throws -> [GraphValue] {
        let x = try call.input(0)
        let shape = graph.type(of: x).shape
        guard let mode = Mode(rawValue: try call.string("mode")) else {
            throw call.error("the mode is nearest, linear or cubic, not \(try call.string("mode"))")
        }
        if call.version < 11 {
            let scales = try graph.tensor(call.input(1)).doubles
            let axes = try call.resizedAxes(Array(0..<shape.rank), of: shape, scales: scales)
            let rule = Resize(mode: mode, axes: axes, placement: .asymmetric, nearest: .floor)
            return [.tensor(try graph.add(rule, [x]))]
        }
        let axes = try call.resizedAxes(of: shape, in: &graph)
        guard let placement = Placement(rawValue: try call.string("coordinate_transformation_mode")) else {
            throw call.error(
                "there is no coordinate_transformation_mode \(try call.string("coordinate_transformation_mode"))"
            )
        }
        guard let nearest = Nearest(rawValue: try call.string("nearest_mode")) else {
            throw call.error("there is no nearest_mode \(try call.string("nearest_mode"))")
        }
        let rule = Resize(
            mode: mode, axes: axes, placement: placement, nearest: nearest,
            antialiases: try call.flag("antialias"), excludesOutside: try call.flag("exclude_outside"),
            extrapolation: try call.float("extrapolation_value"),
            cubicCoefficient: try call.float("cubic_coeff_a"))
        return [.tensor(try graph.add(rule, [x]))]
    }
}

/// The inputs that a file says the new extents with.
private struct ResizeTarget {
    var scales = WrittenCall.Input.omitted
    var sizes = WrittenCall.Input.omitted
    /// Whether the sizes are bounds, and all axes have the one scale that keeps to them.
    var isBound = false

    /// Nil where no scales or sizes give these extents and scales.
    init?(_ axes: [ResizedAxis], of shape: Shape) {
        let factors = axes.map { Double(Float($0.scale)) }
        let extents = axes.map(\.extent)
        let ratios = zip(axes, extents).map { axis, extent in
            extent == shape[axis.axis] ? 1 : Double(extent) / Double(shape[axis.axis])
        }
        if ratios == axes.map(\.scale) {
            sizes = .integers(extents)
        } else if zip(axes, factors).allSatisfy({ axis, factor in
            factor == axis.scale && Double(axis.extent) == scaledExtent(shape[axis.axis], by: factor)
        }) {
            scales = .constant(HostTensor(.float32(axes.count), doubles: factors))
        } else if let scale = axes.first?.scale, axes.allSatisfy({ $0.scale == scale }) {
            // The axis that sets the scale has its own extent, and the bounds of the others are not reached.
            let bounds = zip(axes, ratios).map { axis, ratio in
                ratio == scale ? axis.extent : Int((scale * Double(shape[axis.axis])).rounded(.up))
            }
            guard ratios.contains(scale) else { return nil }
            (sizes, isBound) = (.integers(bounds), true)
        } else {
            return nil
        }
    }
}

/// What a scale makes of an extent.
///
/// In float32, in which models name their scales, so that a tenth of ten is one; beyond what that counts exactly, in
/// float64.
private func scaledExtent(_ extent: Int, by scale: Double) -> Double {
    extent < 1 << 22
        ? Double(Float(extent) * Float(scale)).rounded(.down) : (Double(extent) * scale).rounded(.down)
}

extension OperatorCall {
    /// The axes with extents that follow from their scales.
    func resizedAxes(_ axes: [Int], of shape: Shape, scales: [Double]) throws(GraphError) -> [ResizedAxis] {
        try require(scales.count == axes.count, "there are \(scales.count) scales for \(axes.count) axes")
        var result: [ResizedAxis] = []
        for (axis, scale) in zip(axes, scales) {
            let extent = scaledExtent(shape[axis], by: scale)
            try require(
                scale > 0 && extent <= Double(Window.limit), "the scale \(scale) of axis \(axis) cannot be")
            result.append(ResizedAxis(axis: axis, extent: Int(extent), scale: scale))
        }
        return result
    }

    /// The axes, their extents and the part of each that is taken, from version 11 on.
    fileprivate func resizedAxes(of shape: Shape, in graph: inout GraphBuilder) throws -> [ResizedAxis] {
        var axes = Array(0..<shape.rank)
        if let named = try someInts("axes") {
            try require(
                named.allSatisfy { $0 >= -shape.rank && $0 < shape.rank },
                "the axes \(named) are not in \(shape)")
            axes = named.map { $0 < 0 ? $0 + shape.rank : $0 }
        }
        let scales = try optional(2).map { try graph.tensor($0).doubles } ?? []
        let sizes = try optional(3).map { try graph.integers($0) } ?? []
        try require(scales.isEmpty || sizes.isEmpty, "it takes scales or sizes, not both")
        var resized =
            try sizes.isEmpty && !axes.isEmpty
            ? resizedAxes(axes, of: shape, scales: scales) : resizedAxes(axes, of: shape, sizes: sizes)
        guard try string("coordinate_transformation_mode") == "tf_crop_and_resize" else { return resized }
        let bounds = try graph.tensor(input(1)).doubles
        try require(
            bounds.count == 2 * axes.count, "roi has a start and an end for each axis, not \(bounds)")
        for index in resized.indices {
            resized[index].start = bounds[index]
            resized[index].end = bounds[index + axes.count]
        }
        return resized
    }

    private func resizedAxes(_ axes: [Int], of shape: Shape, sizes: [Int]) throws(GraphError) -> [ResizedAxis]
    {
        try require(sizes.count == axes.count, "there are \(sizes.count) sizes for \(axes.count) axes")
        try require(
            sizes.allSatisfy { $0 >= 0 && $0 <= Window.limit }, "the sizes \(sizes) are extents of at least 0"
        )
        var result: [ResizedAxis] = []
        for (axis, size) in zip(axes, sizes) {
            try require(
                shape[axis] > 0 && size > 0 || size == shape[axis],
                "axis \(axis) of \(shape) cannot be \(size)")
            let scale = size == shape[axis] ? 1 : Double(size) / Double(shape[axis])
            result.append(ResizedAxis(axis: axis, extent: size, scale: scale))
        }
        let policy = try string("keep_aspect_ratio_policy")
        if policy == "stretch" || result.isEmpty { return result }
        let scales = result.map(\.scale)
        let scale: Double
        switch policy {
        case "not_larger": scale = scales.reduce(.infinity, min)
        case "not_smaller": scale = scales.reduce(0, max)
        default: throw error("there is no keep_aspect_ratio_policy \(policy)")
        }
        for index in result.indices {
            let extent = (scale * Double(shape[result[index].axis]) + 0.5).rounded(.down)
            try require(extent <= Double(Window.limit), "the scale \(scale) makes \(shape) too large")
            result[index].extent = Int(extent)
            result[index].scale = scale
        }
        return result
    }
}
