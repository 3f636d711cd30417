/// Every product of a convolution `y += weight * x`, row of outputs by row.
///
/// The forward pass and both gradients are the same triples read in three directions, so that they cannot
/// disagree on padding, strides or groups.
struct ConvolutionTaps {
    /// `count` outputs from `y` on, each made from the one weight and inputs `xStep` apart from `x` on.
    struct Row {
        var weight: Int
        var x: Int
        var xStep: Int
        var y: Int
        var count: Int
    }

    let window: Window
    let group: Int
    let x: Shape
    let weights: Shape
    let y: Shape

    init(_ convolution: Conv, x: Shape, weights: Shape, y: Shape) {
        window = convolution.window(weights: weights)
        group = convolution.group
        self.x = x
        self.weights = weights
        self.y = y
    }

    func forEachRow(_ body: (Row) -> Void) {
        let filtersPerGroup = weights[0] / group
        for image in 0..<x[0] {
            for filter in 0..<weights[0] {
                let firstChannel = filter / filtersPerGroup * weights[1]
                for channel in 0..<weights[1] {
                    let xPlane = (image * x[1] + firstChannel + channel) * x[2] * x[3]
                    let yPlane = (image * y[1] + filter) * y[2] * y[3]
                    let kernel = (filter * weights[1] + channel) * weights[2] * weights[3]
                    forEachRow(kernel: kernel, xPlane: xPlane, yPlane: yPlane, body)
                }
            }
        }
    }

    private func forEachRow(kernel: Int, xPlane: Int, yPlane: Int, _ body: (Row) -> Void) {
        for tapY in 0..<weights[2] {
            for tapX in 0..<weights[3] {
                let columns = insideColumns(tap: tapX)
                guard let first = columns.first else { continue }
                let xColumn = first * window.strides[1] - window.pads[1] + tapX * window.dilations[1]
                for row in 0..<y[2] {
                    guard let xRow = window.position(output: row, tap: tapY, along: 0, extent: x[2]) else {
                        continue
                    }
                    body(
                        Row(
                            weight: kernel + tapY * weights[3] + tapX, x: xPlane + xRow * x[3] + xColumn,
                            xStep: window.strides[1], y: yPlane + row * y[3] + first, count: columns.count))
                }
            }
        }
    }

    /// The output columns for which the tap lies inside the input; they are neighbours.
    private func insideColumns(tap: Int) -> Range<Int> {
        let offset = tap * window.dilations[1] - window.pads[1]
        let stride = window.strides[1]
        let first = max(0, (-offset + stride - 1) / stride)
        let end = min(y[3], (x[3] - offset + stride - 1) / stride)
        return first < end ? first..<end : 0..<0
    }
}
