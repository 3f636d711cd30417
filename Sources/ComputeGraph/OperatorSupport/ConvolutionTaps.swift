/// Every product of a convolution `y += weight * x`, row of outputs by row.
///
/// The forward pass, both gradients and the transposed convolution are the same triples read in different directions,
/// so that they cannot disagree on padding, strides or groups.
struct ConvolutionTaps {
    /// `count` outputs from `y` on, each made from the one weight and inputs `xStep` apart from `x` on.
    struct Row {
        var weight: Int
        var x: Int
        var xStep: Int
        var y: Int
        var count: Int
    }

    /// One tap of the kernel along one axis: the outputs for which it lies inside the input are neighbours.
    private struct Tap {
        var x: Int
        var y: Int
        var count: Int
    }

    private let images: Int
    private let filters: Int
    private let filtersPerGroup: Int
    private let channelsPerGroup: Int
    private let channels: Int
    /// Elements of one plane of x, of y, and of the weights of one channel.
    private let xPlane: Int
    private let yPlane: Int
    private let kernelSize: Int
    /// The taps along each axis, and elements between neighbours there.
    private let taps: [[Tap]]
    private let strides: [Int]
    private let xStrides: [Int]
    private let yStrides: [Int]
    private let weightStrides: [Int]

    init(_ convolution: Conv, x: Shape, weights: Shape, y: Shape) {
        self.init(
            convolution.window(weights: weights), group: convolution.group, x: x, weights: weights, y: y)
    }

    init(_ window: Window, group: Int, x: Shape, weights: Shape, y: Shape) {
        images = x[0]
        filters = weights[0]
        filtersPerGroup = weights[0] / group
        channelsPerGroup = weights[1]
        channels = x[1]
        xPlane = x.extents[2...].reduce(1, *)
        yPlane = y.extents[2...].reduce(1, *)
        kernelSize = weights.extents[2...].reduce(1, *)
        let isEmpty = x.count == 0 || y.count == 0 || weights.count == 0
        if kernelSize == 1, xPlane == yPlane, Set(window.strides) == [1], Set(window.pads) == [0] {
            // Axes on which nothing slides are one long row.
            taps = isEmpty ? [] : [[Tap(x: 0, y: 0, count: xPlane)]]
            (strides, xStrides, yStrides, weightStrides) = ([1], [1], [1], [1])
            return
        }
        strides = window.strides
        xStrides = Array(x.strides[2...])
        yStrides = Array(y.strides[2...])
        weightStrides = Array(weights.strides[2...])
        taps =
            isEmpty
            ? [] : window.kernel.indices.map { Self.taps(window, along: $0, x: x[$0 + 2], y: y[$0 + 2]) }
    }

    private static func taps(_ window: Window, along axis: Int, x: Int, y: Int) -> [Tap] {
        let stride = window.strides[axis]
        return (0..<window.kernel[axis]).map { tap in
            let offset = tap * window.dilations[axis] - window.pads[axis]
            let first = offset < 0 ? (stride - 1 - offset) / stride : 0
            let end = offset < x ? min(y, (x - offset + stride - 1) / stride) : 0
            return Tap(x: first * stride + offset, y: first, count: max(0, end - first))
        }
    }

    func forEachRow(_ body: (Row) -> Void) {
        if taps.isEmpty { return }
        for image in 0..<images {
            for filter in 0..<filters {
                let firstChannel = filter / filtersPerGroup * channelsPerGroup
                for channel in 0..<channelsPerGroup {
                    forEachRow(
                        axis: 0, weight: (filter * channelsPerGroup + channel) * kernelSize,
                        x: (image * channels + firstChannel + channel) * xPlane,
                        y: (image * filters + filter) * yPlane, body)
                }
            }
        }
    }

    private func forEachRow(axis: Int, weight: Int, x: Int, y: Int, _ body: (Row) -> Void) {
        let isLast = axis == taps.count - 1
        for (index, tap) in taps[axis].enumerated() where tap.count > 0 {
            let weight = weight + index * weightStrides[axis]
            if isLast {
                body(
                    Row(weight: weight, x: x + tap.x, xStep: strides[axis], y: y + tap.y, count: tap.count))
                continue
            }
            for step in 0..<tap.count {
                forEachRow(
                    axis: axis + 1, weight: weight,
                    x: x + (tap.x + step * strides[axis]) * xStrides[axis],
                    y: y + (tap.y + step) * yStrides[axis], body)
            }
        }
    }
}
