extension Operator {
    /// The type a pooling window makes of `[batch, channels, height, width]`.
    ///
    /// Pads must be smaller than the kernel, so that every window holds at least one element.
    func pooledType(of input: TensorType, window: Window) throws(GraphError) -> TensorType {
        try requireFloating([input])
        try requireRank(input, 4, "x")
        let extents = try outputExtents(of: input.shape, window: window)
        for axis in 0..<2 {
            try require(
                max(window.pads[axis], window.pads[axis + 2]) < window.kernel[axis],
                "the pads \(window.pads) must be smaller than the kernel \(window.kernel), or a window holds nothing"
            )
        }
        return TensorType(input.element, Shape([input.shape[0], input.shape[1]] + extents))
    }
}

extension Window {
    /// Calls the body with the flat index of each output and those of the inputs under its window.
    func forEachOutput(of x: Shape, _ y: Shape, _ body: (Int, [Int]) -> Void) {
        var output = 0
        for plane in 0..<y[0] * y[1] {
            for row in 0..<y[2] {
                let rows = (0..<kernel[0]).compactMap {
                    position(output: row, tap: $0, along: 0, extent: x[2])
                }
                for column in 0..<y[3] {
                    let columns = (0..<kernel[1]).compactMap {
                        position(output: column, tap: $0, along: 1, extent: x[3])
                    }
                    let base = plane * x[2]
                    body(output, rows.flatMap { row in columns.map { (base + row) * x[3] + $0 } })
                    output += 1
                }
            }
        }
    }
}
