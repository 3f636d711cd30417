/// The input with elements added at the start and the end of its axes, or taken away where a pad is negative.
///
/// Elements are taken away first. The optional second input is the one element that is added in the mode
/// `constant`, instead of zero.
package struct Pad: GridOperator {
    package static let name = "Pad"

    /// What is added.
    package enum Mode: String, Hashable, Sendable {
        case constant
        /// The elements mirrored at the first and the last, which are not repeated.
        case reflect
        /// The first and the last element.
        case edge
        /// The elements from the other end.
        case wrap
    }

    /// How many elements each axis gains at its start, then how many each gains at its end.
    package var pads: [Int]
    package var mode: Mode

    package init(pads: [Int], mode: Mode = .constant) {
        self.pads = pads
        self.mode = mode
    }

    package func outputTypes(of inputs: [TensorType]) throws(GraphError) -> [TensorType] {
        try requireInputs(inputs, 1...2)
        let shape = inputs[0].shape
        try require(pads.count == 2 * shape.rank, "there are two pads for each axis of \(shape), not \(pads)")
        try require(
            pads.allSatisfy { abs($0.clamped) <= Shape.maximalCount }, "no tensor has room for \(pads)")
        if inputs.count == 2 {
            try requireScalar(inputs[1], "the element that is added")
            try require(
                inputs[1].element == inputs[0].element,
                "\(inputs[1].element) cannot be added to \(inputs[0])")
        }
        var extents = shape.extents
        for axis in extents.indices {
            extents[axis] += pads[axis] + pads[axis + shape.rank]
            let kept = keptRange(axis, of: shape)
            try require(
                extents[axis] >= 0 && (mode == .constant || extents[axis] == 0 || !kept.isEmpty),
                "the pads \(pads) leave nothing of axis \(axis) of \(shape)")
        }
        return [TensorType(inputs[0].element, try Shape(checking: extents))]
    }

    /// The elements along an axis that are not taken away.
    private func keptRange(_ axis: Int, of shape: Shape) -> Range<Int> {
        let first = max(0, -pads[axis])
        return first..<max(first, shape[axis] + min(0, pads[axis + shape.rank]))
    }

    package func grid(_ inputs: [HostTensor], to result: Shape) -> OffsetGrid {
        let shape = inputs[0].type.shape
        let strides = shape.strides
        return OffsetGrid(
            result.extents.indices.map { axis in
                let kept = keptRange(axis, of: shape)
                return (0..<result[axis]).map { place in
                    mode.source(of: place - pads[axis], in: kept).map { $0 * strides[axis] } ?? -1
                }
            })
    }

    package func filling(_ inputs: [HostTensor]) -> HostTensor? { inputs.count == 2 ? inputs[1] : nil }

    package static let hasGradient = true

    package func gradient(
        of node: Node, outputGradients: [ValueID?], in builder: inout GraphBuilder
    ) throws(GraphError) -> [ValueID?] {
        guard mode == .constant, node.inputs.count == 1 else { throw .notDifferentiable(operator: Pad.name) }
        guard let gradient = outputGradients[0] else { return [nil] }
        return [try builder.add(Pad(pads: pads.map { -$0 }), [gradient])]
    }
}

extension Pad.Mode {
    /// The element that stands at a place, which may lie outside the range of those that are there.
    fileprivate func source(of place: Int, in kept: Range<Int>) -> Int? {
        if kept.contains(place) { return place }
        switch self {
        case .constant: return nil
        case .edge: return place < kept.lowerBound ? kept.lowerBound : kept.upperBound - 1
        case .wrap: return kept.lowerBound + modulo(place - kept.lowerBound, kept.count)
        case .reflect:
            if kept.count == 1 { return kept.lowerBound }
            let period = 2 * (kept.count - 1)
            let within = modulo(place - kept.lowerBound, period)
            return kept.lowerBound + min(within, period - within)
        }
    }

    private func modulo(_ number: Int, _ period: Int) -> Int {
        let rest = number % period
        return rest < 0 ? rest + period : rest
    }
}

extension Int {
    /// The number, so that its magnitude is one too.
    fileprivate var clamped: Int { Swift.max(self, -Int.max) }
}

extension Pad: ModelOperator {
    package static let schema = OperatorSchema(
        "Pad", "The input with elements added to its axes, or taken away where a pad is negative.",
        inputs: [
            .required("data", .tensors, "any shape"),
            .optional("pads", .int64, "what each axis gains at its start, then what each gains at its end"),
            .optional("constant_value", .tensors, "one element, added in the mode constant; else zero is"),
            .optional("axes", .indices, "from version 18: the axes that pads are of; without it all"),
        ],
        outputs: [.required("output", .tensors, "each extent and its two pads added up")],
        attributes: [
            .string("mode", "constant", "what is added: constant, reflect, edge, and from version 19 wrap"),
            .ints("pads", nil, "before version 11: the pads"),
            .ints("paddings", nil, "in version 1: the pads"),
            .float("value", 0, "before version 11: the element that is added"),
        ])

    package func written(inputs: [TensorType], outputs: [TensorType]) -> WrittenCall? {
        var operands = [WrittenCall.Input.operand(0), .integers(pads)]
        if inputs.count > 1 { operands.append(.operand(1)) }
        return WrittenCall(Self.schema, attributes: ["mode": .string(mode.rawValue)], inputs: operands)
    }

    package static func build(_ call: OperatorCall, in graph: inout GraphBuilder) throws -> [GraphValue] {
        let data = try call.input(0)
        let type = graph.type(of: data)
        let word = try call.string("mode")
        guard let mode = Mode(rawValue: word) else { throw call.error("it has no mode \(word)") }
        let name = call.version < 2 ? "paddings" : "pads"
        guard let given = try call.integers(name, inputSince: 11, at: 1, in: &graph) else {
            throw call.error("the pads are missing")
        }
        let pads = try fullPads(given, call, rank: type.shape.rank, in: &graph)
        var inputs = [data]
        if mode == .constant, let value = try addedElement(call, type.element, in: &graph) {
            inputs.append(value)
        }
        return [.tensor(try graph.addForAny(Pad(pads: pads, mode: mode), inputs))]
    }

    /// The pads of all axes, when some may be left out.
    private static func fullPads(
        _ given: [Int], _ call: OperatorCall, rank: Int, in graph: inout GraphBuilder
    ) throws -> [Int] {
        guard call.version >= 18, let input = try call.optional(3) else { return given }
        let axes = try call.resolved(axes: graph.integers(input), rank: rank)
        try call.require(
            given.count == 2 * axes.count, "there are \(given.count) pads for \(axes.count) axes")
        var pads = [Int](repeating: 0, count: 2 * rank)
        for (place, axis) in axes.enumerated() {
            pads[axis] = given[place]
            pads[axis + rank] = given[place + axes.count]
        }
        return pads
    }

    private static func addedElement(
        _ call: OperatorCall, _ element: ElementType, in graph: inout GraphBuilder
    ) throws -> ValueID? {
        if call.version >= 11 { return try call.optional(2) }
        let value = try call.float("value")
        guard value != 0 else { return nil }
        try call.require(element.isFloating, "only floats are padded before version 11")
        return graph.constant(.scalar(value, element))
    }
}
