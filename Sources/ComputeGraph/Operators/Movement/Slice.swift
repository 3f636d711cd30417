/// Part of a tensor: along each named axis the elements from `start` up to `end`, `step` apart.
///
/// As in ONNX, negative starts and ends count from the back, those beyond the tensor stop at its end, and a
/// negative step walks backwards. ONNX gives the numbers as inputs; here they are attributes.
package struct Slice: GridOperator {
    package static let name = "Slice"
    package var starts: [Int]
    package var ends: [Int]
    package var axes: [Int]
    package var steps: [Int]

    /// Without steps each is 1.
    package init(starts: [Int], ends: [Int], axes: [Int], steps: [Int]? = nil) {
        self.starts = starts
        self.ends = ends
        self.axes = axes
        self.steps = steps ?? starts.map { _ in 1 }
    }

    package func outputTypes(of inputs: [TensorType]) throws(GraphError) -> [TensorType] {
        try requireInputs(inputs, 1)
        try require(
            starts.count == ends.count && starts.count == axes.count && starts.count == steps.count,
            "there are as many starts, ends and steps as axes")
        try require(!steps.contains(0), "a step is not 0")
        _ = try resolvedAxes(axes, rank: inputs[0].shape.rank)
        return [TensorType(inputs[0].element, Shape(ranges(in: inputs[0].shape).map(\.count)))]
    }

    /// Along each axis of the shape, which elements are taken.
    package func ranges(in shape: Shape) -> [Taken] {
        var ranges = shape.extents.map { Taken(start: 0, step: 1, count: $0) }
        for (place, named) in axes.enumerated() {
            let axis = named < 0 ? named + shape.rank : named
            ranges[axis] = Taken(
                from: starts[place], to: ends[place], step: steps[place], extent: shape[axis])
        }
        return ranges
    }

    package func grid(_ inputs: [HostTensor], to result: Shape) -> OffsetGrid {
        grid(in: inputs[0].type.shape)
    }

    /// Where in a tensor of the shape the elements of the result lie.
    func grid(in shape: Shape) -> OffsetGrid {
        OffsetGrid(
            zip(ranges(in: shape), shape.strides).map { range, stride in
                (0..<range.count).map { (range.start + $0 * range.step) * stride }
            })
    }

    package static let hasGradient = true

    package func gradient(
        of node: Node, outputGradients: [ValueID?], in builder: inout GraphBuilder
    ) throws(GraphError) -> [ValueID?] {
        guard let gradient = outputGradients[0] else { return [nil] }
        let shape = builder.type(of: node.inputs[0]).shape
        return [try builder.add(SliceGradient(self, inputShape: shape), [gradient])]
    }

    /// `count` elements along one axis from `start` on, `step` apart.
    package struct Taken: Hashable, Sendable {
        package var start: Int
        package var step: Int
        package var count: Int

        init(start: Int, step: Int, count: Int) {
            self.start = start
            self.step = step
            self.count = count
        }

        /// ONNX's rule for ends that are negative or beyond the tensor.
        init(from start: Int, to end: Int, step: Int, extent: Int) {
            func held(_ index: Int, _ bounds: ClosedRange<Int>) -> Int {
                let counted = index < 0 && index >= -extent ? index + extent : index
                return min(max(counted, bounds.lowerBound), bounds.upperBound)
            }
            guard extent > 0 else {
                self.init(start: 0, step: step, count: 0)
                return
            }
            // A step beyond the extent takes one element, like every such step, and cannot overflow.
            let step = min(max(step, -extent - 1), extent + 1)
            let first = held(start, step > 0 ? 0...extent : 0...extent - 1)
            let last = held(end, step > 0 ? 0...extent : -1...extent - 1)
            let steps = step > 0 ? (last - first + step - 1) / step : (first - last - step - 1) / -step
            self.init(start: first, step: step, count: max(0, steps))
        }
    }
}

extension Slice: ModelOperator {
    package static let schema = OperatorSchema(
        "Slice", "Part of a tensor: along each named axis the elements from a start up to an end.",
        inputs: [
            .required("data", .tensors, "any shape"),
            .optional("starts", .indices, "one number for each axis; negative ones count from the end"),
            .optional("ends", .indices, "one number for each axis; the element there is not taken"),
            .optional("axes", .indices, "without it the first ones, as many as there are starts"),
            .optional("steps", .indices, "without it all are 1; a negative one walks backwards"),
        ],
        outputs: [.required("output", .tensors, "the elements that are taken")],
        attributes: [
            .ints("starts", nil, "before version 10: the starts"),
            .ints("ends", nil, "before version 10: the ends"),
            .ints("axes", nil, "before version 10: the axes"),
        ])

    package func written(inputs: [TensorType], outputs: [TensorType]) -> WrittenCall? {
        WrittenCall(Self.schema, operands: inputs, [starts, ends, axes, steps].map { .integers($0) })
    }

    package static func build(_ call: OperatorCall, in graph: inout GraphBuilder) throws -> [GraphValue] {
        func numbers(_ name: String, _ index: Int) throws -> [Int]? {
            try call.integers(name, inputSince: 10, at: index, in: &graph)
        }
        let data = try call.input(0)
        guard let starts = try numbers("starts", 1), let ends = try numbers("ends", 2) else {
            throw call.error("the starts or the ends are missing")
        }
        let axes = try numbers("axes", 3) ?? Array(starts.indices)
        if axes.isEmpty && starts.isEmpty && ends.isEmpty { return [.tensor(data)] }
        let steps = call.version < 10 ? nil : try numbers("steps", 4)
        let slice = Slice(starts: starts, ends: ends, axes: axes, steps: steps)
        return [.tensor(try graph.addForAny(slice, [data]))]
    }
}
