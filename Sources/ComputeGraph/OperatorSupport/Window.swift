/// How a window slides over the axes behind batch and channels, shared by convolution and pooling.
package struct Window: Hashable, Sendable {
    /// One extent for each axis: height and width of an image.
    package var kernel: [Int]
    package var strides: [Int]
    /// ONNX's order: where each axis begins, then where each ends (top, left, bottom, right).
    package var pads: [Int]
    package var dilations: [Int]

    /// Without dilations each is 1.
    package init(kernel: [Int], strides: [Int], pads: [Int], dilations: [Int]? = nil) {
        self.kernel = kernel
        self.strides = strides
        self.pads = pads
        self.dilations = dilations ?? kernel.map { _ in 1 }
    }

    /// No extent, stride, pad or dilation is larger, so that none of what is reckoned with them overflows.
    static let limit = 1 << 30

    /// The first rule that the numbers break for so many axes, as the end of a sentence.
    func fault(axes: Int) -> String? {
        func isRefused(_ numbers: [Int], _ count: Int, from least: Int) -> Bool {
            numbers.count != count || numbers.contains { $0 < least || $0 > Window.limit }
        }
        if isRefused(kernel, axes, from: 1) {
            let what = axes == 2 ? "a height and a width" : "\(spelled(axes, "extent"))"
            return "the kernel has \(what) of at least 1, not \(kernel)"
        }
        if isRefused(strides, axes, from: 1) {
            return "there are \(spelled(axes, "stride")) of at least 1, not \(strides)"
        }
        if isRefused(dilations, axes, from: 1) {
            return "there are \(spelled(axes, "dilation")) of at least 1, not \(dilations)"
        }
        if isRefused(pads, 2 * axes, from: 0) {
            let order = axes == 2 ? "(top, left, bottom, right)" : "(all beginnings, then all ends)"
            return "there are \(spelled(2 * axes, "pad")) \(order) of at least 0, not \(pads)"
        }
        return nil
    }

    /// The extent of what the window covers along an axis.
    package func reach(along axis: Int) -> Int { dilations[axis] * (kernel[axis] - 1) + 1 }

    /// The extent of the output along an axis, the first after the channels being 0; less than 1 where the window
    /// does not fit.
    package func outputExtent(of input: Int, along axis: Int) -> Int {
        let room = input + pads[axis] + pads[axis + kernel.count] - reach(along: axis)
        return room < 0 ? 0 : room / strides[axis] + 1
    }

    /// The taps of the window inside the input, for each output along an axis.
    func taps(along axis: Int, input: Int, output: Int) -> [AxisTaps] {
        let step = dilations[axis]
        return (0..<output).map { place in
            let start = place * strides[axis] - pads[axis]
            let first = start < 0 ? (step - 1 - start) / step : 0
            let end = start < input ? min(kernel[axis], (input - start + step - 1) / step) : 0
            return AxisTaps(first: start + first * step, step: step, count: max(0, end - first))
        }
    }
}

/// Elements of one axis under one window: `count` from `first` on, `step` apart.
struct AxisTaps {
    var first: Int
    var step: Int
    var count: Int
}

/// "two strides", "one pad".
private func spelled(_ count: Int, _ noun: String) -> String {
    let words = ["no", "one", "two", "three", "four", "five", "six", "seven", "eight"]
    return "\(count < words.count ? words[count] : "\(count)") \(noun)\(count == 1 ? "" : "s")"
}

extension Operator {
    /// The number of axes behind batch and channels, of which there is at least one.
    func spatialAxes(of type: TensorType) throws(GraphError) -> Int {
        try require(
            type.shape.rank >= 3,
            "x has a batch, channels and at least one more axis, not the shape \(type.shape)")
        return type.shape.rank - 2
    }

    /// The extents of the output behind batch and channels.
    func outputExtents(of shape: Shape, window: Window) throws(GraphError) -> [Int] {
        if let fault = window.fault(axes: shape.rank - 2) { throw mismatch(fault) }
        let extents = window.kernel.indices.map { window.outputExtent(of: shape[$0 + 2], along: $0) }
        try require(
            extents.allSatisfy { $0 > 0 },
            "a window of \(window.kernel) with dilations \(window.dilations) does not fit into \(shape) "
                + "padded by \(window.pads)")
        return extents
    }
}
