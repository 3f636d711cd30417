extension Operator {
    /// The type a pooling window makes of `[batch, channels, ...]`.
    ///
    /// Pads must be smaller than the kernel with its dilations, so that without dilations every window holds at least
    /// one element.
    func pooledType(of input: TensorType, window: Window) throws(GraphError) -> TensorType {
        let axes = try spatialAxes(of: input)
        let extents = try outputExtents(of: input.shape, window: window)
        for axis in 0..<axes {
            try require(
                max(window.pads[axis], window.pads[axis + axes]) < window.reach(along: axis),
                "the pads \(window.pads) must be smaller than the kernel \(window.kernel), or a window holds nothing"
            )
        }
        return TensorType(input.element, try Shape(checking: [input.shape[0], input.shape[1]] + extents))
    }
}

extension Window {
    /// Calls the body with the flat index of each output and those of the inputs under its window, none where it
    /// lies in the padding.
    func forEachOutput(of x: Shape, _ y: Shape, _ body: (Int, [Int]) -> Void) {
        guard y.count > 0 else { return }
        let axes = kernel.indices.map { taps(along: $0, input: x[$0 + 2], output: y[$0 + 2]) }
        forEachWindow(axes, of: x, body)
    }
}

/// Calls the body with the flat index of each output and those of the elements of `[batch, channels, ...]` under its
/// window, which is made of the taps along each axis.
func forEachWindow(_ axes: [[AxisTaps]], of x: Shape, _ body: (Int, [Int]) -> Void) {
    let strides = Array(x.strides[2...])
    let plane = x.extents[2...].reduce(1, *)
    let extents = axes.map(\.count)
    let outputs = extents.reduce(1, *)
    var place = axes.map { _ in 0 }
    // One array for all windows: it is emptied, and keeps its memory.
    var taps: [Int] = []
    func collect(_ axis: Int, from base: Int) {
        let here = axes[axis][place[axis]]
        for tap in 0..<here.count {
            let index = base + (here.first + tap * here.step) * strides[axis]
            if axis == axes.count - 1 {
                taps.append(index)
            } else {
                collect(axis + 1, from: index)
            }
        }
    }
    for output in 0..<x[0] * x[1] * outputs {
        taps.removeAll(keepingCapacity: true)
        collect(0, from: output / outputs * plane)
        body(output, taps)
        advance(&place, within: extents)
    }
}

/// The next place in row-major order; after the last comes the first again.
func advance(_ place: inout [Int], within extents: [Int]) {
    for axis in extents.indices.reversed() {
        place[axis] += 1
        if place[axis] < extents[axis] { return }
        place[axis] = 0
    }
}

/// The index of the largest element, of the first where several are equal, and of the first NaN where there is one;
/// nil of none.
func largest(of x: [Double], at indices: [Int]) -> Int? {
    guard var best = indices.first else { return nil }
    for index in indices {
        if x[best].isNaN { return best }
        if x[index].isNaN || x[index] > x[best] { best = index }
    }
    return best
}
