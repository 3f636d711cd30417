/// Part of a tensor: along each named axis the elements from `start` up to `end`, `step` apart.
///
/// As in ONNX, negative starts and ends count from the back, those beyond the tensor stop at its end, and a
/// negative step walks backwards. ONNX gives the numbers as inputs; here they are attributes. An empty result is
/// refused.
package struct Slice: MovementOperator {
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
        let shape = Shape(ranges(in: inputs[0].shape).map(\.count))
        try require(
            !shape.extents.contains(0),
            "from \(starts) to \(ends) along the axes \(axes) nothing is left of \(inputs[0].shape)")
        return [TensorType(inputs[0].element, shape)]
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

    package func reference(_ inputs: [HostTensor]) -> [HostTensor] {
        let type = knownOutputTypes(inputs)[0]
        let source = sourceIndices(in: inputs[0].type.shape, taken: type.shape)
        return [inputs[0].moved(to: type) { source[$0] }]
    }

    /// The flat index in the input of each element of the result.
    func sourceIndices(in shape: Shape, taken: Shape) -> [Int] {
        let ranges = ranges(in: shape)
        let strides = shape.strides
        return (0..<taken.count).map { index in
            taken.coordinates(of: index).enumerated().reduce(0) { sum, place in
                let range = ranges[place.offset]
                return sum + (range.start + place.element * range.step) * strides[place.offset]
            }
        }
    }

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
            let first = held(start, step > 0 ? 0...extent : 0...extent - 1)
            let last = held(end, step > 0 ? 0...extent : -1...extent - 1)
            let steps = step > 0 ? (last - first + step - 1) / step : (first - last - step - 1) / -step
            self.init(start: first, step: step, count: max(0, steps))
        }
    }
}
